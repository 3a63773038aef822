// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "guard/trouble.h"
#include "lib/log.h"
#include "tests/unit/capture.h"

/* How many of the lines have the word. */
static unsigned lines_with(struct capture *capture, const char *word)
{
	char text[8192];
	unsigned count = 0;

	capture_end(capture, text, sizeof(text));
	for (const char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		count += strstr(line, word) != NULL;
	return count;
}

static void what_goes_on_is_told_once(void **state)
{
	const struct log log = { .program = "ctguard", .level = LOG_LEVEL_WARN };
	struct trouble trouble = { .log = &log };
	struct capture capture;

	capture_begin(&capture);
	for (int i = 0; i < 100; i++)
		trouble_note(&trouble, "read the table", -EPERM);
	assert_int_equal(lines_with(&capture, "cannot read the table: Operation"), 1);
	assert_int_equal(trouble.count, 100);
}

static void one_error_does_not_hide_another(void **state)
{
	const struct log log = { .program = "ctguard", .level = LOG_LEVEL_WARN };
	struct trouble trouble = { .log = &log };
	struct capture capture;

	capture_begin(&capture);
	trouble_note(&trouble, "audit the ruleset", -EPERM);
	trouble_note(&trouble, "read the table", -EPERM);
	assert_int_equal(lines_with(&capture, "(1 such errors so far)"), 2);
	assert_int_equal(trouble.count, 2);
}

static void more_kinds_than_there_is_room_for_are_told_still(void **state)
{
	static const char *const KIND[] = { "a", "b", "c", "d", "e", "f", "g",
					    "h", "i", "j", "k", "l", "m", "n",
					    "o", "p", "q", "r", "s", "t" };
	const struct log log = { .program = "ctguard", .level = LOG_LEVEL_WARN };
	struct trouble trouble = { .log = &log };
	struct capture capture;

	capture_begin(&capture);
	for (size_t i = 0; i < sizeof(KIND) / sizeof(KIND[0]); i++)
		trouble_note(&trouble, KIND[i], -EIO);
	assert_int_equal(lines_with(&capture, "cannot "), TROUBLE_KINDS);
	assert_int_equal(trouble.count, sizeof(KIND) / sizeof(KIND[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_goes_on_is_told_once),
		cmocka_unit_test(one_error_does_not_hide_another),
		cmocka_unit_test(more_kinds_than_there_is_room_for_are_told_still),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
