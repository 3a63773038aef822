// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/utf8.h"

static void text_of_all_lengths_is_a_line(void **state)
{
	static const char *const GOOD[] = {
		"",
		"a",
		" ~",
		"\xc2\xa0",
		"gr\xc3\xbc\xc3\x9f",
		"\xe2\x82\xac",
		"\xed\x9f\xbf",
		"\xee\x80\x80",
		"\xf0\x9f\x98\x80",
		"\xf4\x8f\xbf\xbf",
	};

	for (size_t i = 0; i < sizeof(GOOD) / sizeof(GOOD[0]); i++)
		if (!utf8_is_line(GOOD[i], strlen(GOOD[i])))
			fail_msg("case %zu", i);
}

static void what_is_cut_overlong_or_beyond_is_none(void **state)
{
	static const char *const BAD[] = {
		"\x80",
		"\xbf",
		"\xc0\x80",
		"\xc1\xbf",
		"\xc2",
		"\xc2 ",
		"\xe0\x9f\xbf",
		"\xe2\x82",
		"\xed\xa0\x80",
		"\xf0\x8f\xbf\xbf",
		"\xf0\x9f\x98",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xff",
		"a\xfe",
	};

	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
		if (utf8_is_line(BAD[i], strlen(BAD[i])))
			fail_msg("case %zu", i);
}

static void control_characters_are_none(void **state)
{
	char text[3] = "a";

	assert_false(utf8_is_line("a\0b", 3));
	for (int c = 0; c < 32; c++) {
		text[1] = (char)c;
		assert_false(utf8_is_line(text, 2));
	}
	assert_false(utf8_is_line("\x7f", 1));
	for (int c = 0x80; c < 0xa0; c++) {
		text[0] = (char)0xc2;
		text[1] = (char)c;
		assert_false(utf8_is_line(text, 2));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_of_all_lengths_is_a_line),
		cmocka_unit_test(what_is_cut_overlong_or_beyond_is_none),
		cmocka_unit_test(control_characters_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
