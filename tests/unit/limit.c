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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
