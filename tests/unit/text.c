// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/text.h"

static void an_empty_text_is_an_empty_string(void **state)
{
	struct text text = { 0 };

	assert_string_equal(text_str(&text), "");
	assert_true(text_ok(&text));
	text_free(&text);
}

static void a_text_grows_beyond_its_first_buffer(void **state)
{
	struct text text = { 0 };

	for (int i = 0; i < 1000; i++)
		text_add(&text, "%03d,", i);
	assert_true(text_ok(&text));
	assert_int_equal(text.length, 4000);
	assert_int_equal(strlen(text_str(&text)), 4000);
	assert_memory_equal(text_str(&text) + 4 * 999, "999,", 4);
	text_free(&text);
	assert_string_equal(text_str(&text), "");
}

static void what_a_terminal_would_obey_is_a_question_mark(void **state)
{
	struct text text = { 0 };

	text_add_clean(&text, "a\33[2Jb\n\302\2332J \303\244\302\240\302");
	assert_string_equal(text_str(&text), "a?[2Jb??2J \303\244\302\240\302");
	text_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_text_is_an_empty_string),
		cmocka_unit_test(a_text_grows_beyond_its_first_buffer),
		cmocka_unit_test(what_a_terminal_would_obey_is_a_question_mark),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
