// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "guard/limit.h"

/* A file stands for the sysctl: what is written replaces what is there. */
static char path[] = "/tmp/ctguard.limit.XXXXXX";

static void write_file(const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void expect_file(const char *text)
{
	FILE *file = fopen(path, "re");
	char found[64] = "";

	assert_non_null(file);
	assert_non_null(fgets(found, sizeof(found), file));
	fclose(file);
	assert_string_equal(found, text);
}

static int make_file(void **state)
{
	int fd;

	memcpy(path + sizeof(path) - 7, "XXXXXX", 6);
	fd = mkstemp(path);
	close(fd);
	return fd < 0;
}

static int remove_file(void **state)
{
	unlink(path);
	return 0;
}

static void it_is_set_as_text(void **state)
{
	assert_int_equal(limit_set(path, 4294967295U), 0);
	expect_file("4294967295\n");
}

static void where_there_is_none_it_cannot_be_set(void **state)
{
	assert_true(limit_settable(path));
	unlink(path);
	assert_false(limit_settable(path));
	assert_int_equal(limit_set(path, 1), -ENOENT);
	assert_int_equal(limit_put_back(path, 2, 1), -ENOENT);
	assert_int_not_equal(access(path, F_OK), 0);
}

static void what_does_not_take_it_is_an_error(void **state)
{
	assert_int_equal(limit_set("/dev/full", 1), -ENOSPC);
}

static void what_the_guard_raised_is_put_back(void **state)
{
	write_file("500000\n");
	assert_int_equal(limit_put_back(path, 500000, 262144), 0);
	expect_file("262144\n");
}

static void what_somebody_else_has_set_since_is_left_alone(void **state)
{
	write_file("1000000\n");
	assert_int_equal(limit_put_back(path, 500000, 262144), -ESTALE);
	expect_file("1000000\n");
}

static void what_is_no_number_is_not_written_over(void **state)
{
	write_file("nonsense\n");
	assert_int_equal(limit_put_back(path, 500000, 262144), -EBADMSG);
	expect_file("nonsense\n");
}

/* Where the guard keeps what the limit was. */
static char kept[sizeof(path) + sizeof(".limit")];

static void keep(uint32_t raised, uint32_t before)
{
	const struct limit_change change = { raised, before };

	snprintf(kept, sizeof(kept), "%s.limit", path);
	assert_int_equal(limit_keep(kept, &change), 0);
}

static void keep_text(const char *text)
{
	FILE *file;

	snprintf(kept, sizeof(kept), "%s.limit", path);
	file = fopen(kept, "we");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void what_it_was_is_kept_for_the_next_guard(void **state)
{
	struct limit_change change;

	keep(500000, 262144);
	assert_int_equal(limit_recall(kept, &change), 0);
	assert_int_equal(change.raised, 500000);
	assert_int_equal(change.before, 262144);
	keep(4294967295U, 500000);
	assert_int_equal(limit_recall(kept, &change), 0);
	assert_int_equal(change.raised, 4294967295U);
	/* Not raised: nothing is to be kept, and that twice. */
	keep(0, 0);
	assert_int_equal(limit_recall(kept, &change), -ENOENT);
	keep(0, 0);
}

static void what_is_of_another_boot_is_told_from_what_is_none(void **state)
{
	static const char *const BAD[] = { "",       "\n",
					   "500000", "500000 262144",
					   "0 1 x",  "1 0 x",
					   "x 1 x",  "99999999999999999999 y z" };
	char line[100];
	struct limit_change change = { 7, 8 };
	FILE *file;

	keep_text("500000 262144 01234567-0123-0123-0123-012345678901\n");
	assert_int_equal(limit_recall(kept, &change), -ESTALE);
	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
		keep_text(BAD[i]);
		assert_int_equal(limit_recall(kept, &change), -EBADMSG);
	}
	/* One that is cut off anywhere is not taken for a good one. */
	keep(500000, 262144);
	file = fopen(kept, "re");
	assert_non_null(fgets(line, sizeof(line), file));
	fclose(file);
	for (size_t length = strlen(line) - 1; length > 0; length--) {
		line[length] = '\0';
		keep_text(line);
		assert_int_equal(limit_recall(kept, &change), -EBADMSG);
	}
	assert_int_equal(change.raised, 7);
	unlink(kept);
}

static void what_is_no_file_is_neither_read_nor_followed(void **state)
{
	const struct limit_change change = { 2, 1 };
	struct limit_change found;

	snprintf(kept, sizeof(kept), "%s.limit", path);
	assert_int_equal(symlink(path, kept), 0);
	assert_int_equal(limit_recall(kept, &found), -ELOOP);
	/* What it points to stays as it is. */
	assert_int_equal(limit_keep(kept, &change), 0);
	assert_int_equal(limit_recall(kept, &found), 0);
	assert_int_equal(limit_recall(path, &found), -EBADMSG);
	unlink(kept);
	assert_int_equal(mkfifo(kept, 0600), 0);
	assert_int_equal(limit_recall(kept, &found), -EBADMSG);
	unlink(kept);
	assert_int_equal(limit_keep("/nowhere/x", &change), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(it_is_set_as_text, make_file,
						remove_file),
		cmocka_unit_test_setup_teardown(where_there_is_none_it_cannot_be_set,
						make_file, remove_file),
		cmocka_unit_test(what_does_not_take_it_is_an_error),
		cmocka_unit_test_setup_teardown(what_the_guard_raised_is_put_back,
						make_file, remove_file),
		cmocka_unit_test_setup_teardown(
			what_somebody_else_has_set_since_is_left_alone, make_file,
			remove_file),
		cmocka_unit_test_setup_teardown(what_is_no_number_is_not_written_over,
						make_file, remove_file),
		cmocka_unit_test_setup_teardown(what_it_was_is_kept_for_the_next_guard,
						make_file, remove_file),
		cmocka_unit_test_setup_teardown(
			what_is_of_another_boot_is_told_from_what_is_none, make_file,
			remove_file),
		cmocka_unit_test_setup_teardown(
			what_is_no_file_is_neither_read_nor_followed, make_file,
			remove_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
