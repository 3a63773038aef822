// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/options.h"
#include "lib/text.h"
#include "tests/unit/capture.h"

enum { OPTION_LONG = OPTIONS_LONG_ONLY };

static const struct option_spec SPECS[] = {
	{ 'c', "count", "N", "how many" },
	{ OPTION_LONG, "long-only", "T", "has no letter" },
	OPTIONS_COMMON,
};

static void options_are_found_around_operands(void **state)
{
	char *argv[] = {
		(char *)"prog",           (char *)"one", (char *)"-c5", (char *)"two",
		(char *)"--long-only=3s", (char *)"-j",  NULL
	};
	struct options options;
	const char *value;

	options_init(&options, SPECS);
	assert_int_equal(options_next(&options, 6, argv, &value), 'c');
	assert_string_equal(value, "5");
	assert_int_equal(options_next(&options, 6, argv, &value), OPTION_LONG);
	assert_string_equal(value, "3s");
	assert_int_equal(options_next(&options, 6, argv, &value), 'j');
	assert_int_equal(options_next(&options, 6, argv, &value), -1);
	assert_string_equal(argv[optind], "one");
	assert_string_equal(argv[optind + 1], "two");
}

/* What getopt_long() says of the second of two words. */
static const char *complaint(char *path, char *option, char said[128])
{
	char *argv[] = { path, option, NULL };
	struct capture capture;
	struct options options;
	const char *value;

	capture_begin(&capture);
	options_init(&options, SPECS);
	assert_int_equal(options_next(&options, 2, argv, &value), '?');
	capture_end(&capture, said, 128);
	assert_ptr_equal(argv[0], path);
	return said;
}

static void
a_complaint_begins_with_the_name_of_the_program_not_with_its_path(void **state)
{
	char said[128], path[] = "/usr/sbin/prog", name[] = "prog";
	char unknown[] = "--nope", unknown_letter[] = "-Z", bare[] = "--count";

	assert_string_equal(complaint(path, unknown, said),
			    "prog: unrecognized option '--nope'\n");
	assert_string_equal(complaint(path, unknown_letter, said),
			    "prog: invalid option -- 'Z'\n");
	assert_string_equal(complaint(name, bare, said),
			    "prog: option '--count' requires an argument\n");
}

static void the_help_has_a_line_for_each_option(void **state)
{
	struct text text = { 0 };

	options_help(SPECS, &text);
	assert_non_null(strstr(text_str(&text), "  -c, --count N"));
	assert_non_null(strstr(text_str(&text), "      --long-only T"));
	assert_non_null(strstr(text_str(&text), "  -V, --version"));
	text_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_are_found_around_operands),
		cmocka_unit_test(
			a_complaint_begins_with_the_name_of_the_program_not_with_its_path),
		cmocka_unit_test(the_help_has_a_line_for_each_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
