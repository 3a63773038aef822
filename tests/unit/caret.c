// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "guard/caret.h"
#include "lib/text.h"

static const char FILE_TEXT[] = "# a comment about 8O%\n"
				"lease = 30s\n"
				"\tengage-at = 8O%\n"
				"never = { \"tcp/22\", \"tcp/2\" }\n"
				"service \"tcp/2\" { }\n";

static void shows(int number, const char *sentence, int line, const char *shown)
{
	struct text text = { 0 };
	struct caret caret;

	assert_int_equal(caret_find(FILE_TEXT, number, sentence, &caret), 0);
	assert_int_equal(caret.number, line);
	caret_add(&caret, &text);
	assert_string_equal(text_str(&text), shown);
	text_free(&text);
}

static void the_value_that_is_quoted_is_marked(void **state)
{
	shows(3, "engage-at: \"8O%\" is not a share", 3,
	      "\n    \tengage-at = 8O%\n    \t            ^^^");
	shows(2, "no such option 'lease'", 2, "\n    lease = 30s\n    ^^^^^");
}

static void a_value_within_a_longer_word_is_another(void **state)
{
	shows(4, "\"tcp/2\" is given twice", 4,
	      "\n    never = { \"tcp/22\", \"tcp/2\" }\n    "
	      "                     ^^^^^");
}

static void without_a_line_the_last_that_has_it_is_shown(void **state)
{
	shows(0, "service \"tcp/2\" is given twice", 5,
	      "\n    service \"tcp/2\" { }\n             ^^^^^");
	shows(99, "release-at (50%) must be below engage-at (40%)", 3,
	      "\n    \tengage-at = 8O%\n    \t^^^^^^^^^");
}

static void a_line_in_which_it_is_not_is_shown_as_it_is(void **state)
{
	shows(2, "\"xyz\" is missing", 2, "\n    lease = 30s");
}

static void what_is_nowhere_is_not_shown(void **state)
{
	struct caret caret;

	assert_int_equal(caret_find(FILE_TEXT, 0, "\"udp/7\" is none", &caret), -ENOENT);
	assert_int_equal(caret_find("", 1, "anything", &caret), -ENOENT);
	assert_int_equal(caret_find(FILE_TEXT, 0, "", &caret), -ENOENT);
}

static void nothing_that_a_terminal_obeys_is_shown(void **state)
{
	struct text text = { 0 };
	struct caret caret;
	char longest[400];

	assert_int_equal(caret_find("a\033[2J\303\244 = \"x\n", 1, "'a'", &caret), 0);
	caret_add(&caret, &text);
	assert_string_equal(text_str(&text), "\n    a?[2J?? = \"x\n    ^");
	text_free(&text);
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(caret_find(longest, 1, "'x'", &caret), 0);
	caret_add(&caret, &text);
	assert_string_equal(text_str(&text), "");
	text_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_value_that_is_quoted_is_marked),
		cmocka_unit_test(a_value_within_a_longer_word_is_another),
		cmocka_unit_test(without_a_line_the_last_that_has_it_is_shown),
		cmocka_unit_test(a_line_in_which_it_is_not_is_shown_as_it_is),
		cmocka_unit_test(what_is_nowhere_is_not_shown),
		cmocka_unit_test(nothing_that_a_terminal_obeys_is_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
