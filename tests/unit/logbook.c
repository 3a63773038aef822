// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
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

#include "guard/logbook.h"

static char folder[] = "/tmp/logbook.XXXXXX";
static char path[64], older[80];

static int make_folder(void **state)
{
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/journal", folder);
	snprintf(older, sizeof(older), "%s.1", path);
	return 0;
}

static int empty_folder(void **state)
{
	unlink(path);
	unlink(older);
	return 0;
}

static int remove_folder(void **state)
{
	return rmdir(folder);
}

static void append(const char *line)
{
	const struct logbook logbook = { .path = path };

	assert_int_equal(logbook_append(&logbook, line, strlen(line)), 0);
}

static size_t count(uint64_t skipped_wanted)
{
	uint64_t skipped;
	json_t *events;
	size_t size;

	assert_int_equal(logbook_read(path, &events, &skipped), 0);
	assert_int_equal(skipped, skipped_wanted);
	size = json_array_size(events);
	json_decref(events);
	return size;
}

static void what_was_written_is_read(void **state)
{
	append("{\"a\":1}\n");
	append("{\"a\":2}\n");
	assert_int_equal(count(0), 2);
}

static void a_torn_line_costs_itself_and_no_other(void **state)
{
	append("{\"a\":1}\n{\"a\":");
	append("{\"a\":3}\n");
	assert_int_equal(count(1), 2);
}

static void lines_that_are_no_objects_are_skipped(void **state)
{
	append("7\n[]\n\n{\"a\":1}\nnonsense\n");
	assert_int_equal(count(4), 1);
}

static void a_logbook_that_is_full_is_begun_anew(void **state)
{
	char line[1024];
	struct stat status;

	memset(line, ' ', sizeof(line));
	memcpy(line, "{\"a\":1}", 7);
	line[sizeof(line) - 2] = '\n';
	line[sizeof(line) - 1] = '\0';
	for (size_t bytes = 0; bytes < 3 * LOGBOOK_BYTES_MAX / 2; bytes += strlen(line))
		append(line);
	assert_int_equal(stat(path, &status), 0);
	assert_true(status.st_size <= LOGBOOK_BYTES_MAX);
	assert_int_equal(stat(older, &status), 0);
	assert_true(status.st_size <= LOGBOOK_BYTES_MAX);
	assert_true(count(0) > LOGBOOK_BYTES_MAX / sizeof(line));
}

static void one_that_cannot_be_moved_grows_no_more(void **state)
{
	static char line[LOGBOOK_BYTES_MAX];
	const struct logbook logbook = { .path = path };

	memset(line, ' ', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	assert_int_equal(logbook_append(&logbook, line, sizeof(line)), 0);
	assert_int_equal(mkdir(older, 0700), 0);
	assert_int_equal(logbook_append(&logbook, "{}\n", 3), -EISDIR);
	assert_int_equal(rmdir(older), 0);
	append("{}\n");
	assert_int_equal(count(1), 1);
}

static void of_a_long_file_the_end_is_read(void **state)
{
	static char line[1 << 16];
	FILE *file = fopen(path, "w");

	/* The last of each 64 KiB is an event. */
	memset(line, ' ', sizeof(line));
	memcpy(line + sizeof(line) - 8, "{\"a\":1}", 7);
	line[sizeof(line) - 1] = '\n';
	for (int i = 0; i < 100; i++)
		assert_int_equal(fwrite(line, sizeof(line), 1, file), 1);
	fputs("{\"last\":1}\n", file);
	assert_int_equal(fclose(file), 0);
	/* Of the first that is in reach a part is cut off. */
	assert_int_equal(count(0), 65);
	/* As much as a line may have, without an end. */
	assert_int_equal(truncate(path, 3LL << 30), 0);
	assert_int_equal(count(1), 0);
}

static void without_a_file_there_is_nothing_to_read(void **state)
{
	uint64_t skipped;
	json_t *events;

	assert_int_equal(logbook_read(path, &events, &skipped), -ENOENT);
}

static void without_a_path_nothing_is_kept(void **state)
{
	const struct logbook logbook = { 0 };

	assert_int_equal(logbook_append(&logbook, "{}\n", 3), 0);
}

static void what_is_no_file_is_refused_and_does_not_stop_us(void **state)
{
	const struct logbook logbook = { .path = path };
	uint64_t skipped;
	json_t *events;

	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(logbook_append(&logbook, "{}\n", 3), -EINVAL);
	assert_int_equal(logbook_read(path, &events, &skipped), -EINVAL);
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(logbook_append(&logbook, "{}\n", 3), -EISDIR);
	assert_true(logbook_read(path, &events, &skipped) < 0);
	rmdir(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(what_was_written_is_read, empty_folder),
		cmocka_unit_test_teardown(a_torn_line_costs_itself_and_no_other,
					  empty_folder),
		cmocka_unit_test_teardown(lines_that_are_no_objects_are_skipped,
					  empty_folder),
		cmocka_unit_test_teardown(a_logbook_that_is_full_is_begun_anew,
					  empty_folder),
		cmocka_unit_test_teardown(one_that_cannot_be_moved_grows_no_more,
					  empty_folder),
		cmocka_unit_test_teardown(of_a_long_file_the_end_is_read, empty_folder),
		cmocka_unit_test_teardown(without_a_file_there_is_nothing_to_read,
					  empty_folder),
		cmocka_unit_test(without_a_path_nothing_is_kept),
		cmocka_unit_test_teardown(what_is_no_file_is_refused_and_does_not_stop_us,
					  empty_folder),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
