// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/message.h"

static struct message message;

static int parse(const char *datagram)
{
	return message_parse(datagram, strlen(datagram), &message);
}

static bool is(const char *id, const char *text)
{
	return message.id_bytes == strlen(id) && message.text_bytes == strlen(text) &&
	       memcmp(message.data, id, strlen(id)) == 0 &&
	       memcmp(message.data + strlen(id), text, strlen(text)) == 0;
}

static void a_datagram_is_an_id_and_a_text(void **state)
{
	assert_int_equal(parse("7 hello world"), 0);
	assert_true(is("7", "hello world"));
	assert_false(message.all);
	assert_int_equal(parse("7 hello\n"), 0);
	assert_true(is("7", "hello"));
	assert_int_equal(parse("7  "), 0);
	assert_true(is("7", " "));
	assert_int_equal(parse("gr%C3%BC%c3%9f \xe2\x82\xac"), 0);
	assert_true(is("gr\xc3\xbc\xc3\x9f", "\xe2\x82\xac"));
	assert_int_equal(parse("a%20b/c x"), 0);
	assert_true(is("a b/c", "x"));
}

static void a_star_is_all_unless_it_is_escaped(void **state)
{
	assert_int_equal(parse("* news"), 0);
	assert_true(message.all);
	assert_true(is("", "news"));
	assert_int_equal(parse("%2a news"), 0);
	assert_false(message.all);
	assert_true(is("*", "news"));
	assert_int_equal(parse("** news"), 0);
	assert_false(message.all);
}

static void what_is_no_message_is_refused(void **state)
{
	static const char *const CASES[] = {
		"",       "7",       "7 ",      " x",     "7\n",    "7 \n",
		"7 a\nb", "7 a\n\n", "7 a\r\n", "7 a\tb", "7 \x7f", "7 \xc2\x85",
		"7 \xff", "%zz x",   "%0a x",   "%ff x",  "7\n8 x", "\xc3 x",
	};

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++)
		if (parse(CASES[i]) != -EINVAL)
			fail_msg("case %zu", i);
	assert_int_equal(message_parse("7 a\0b", 5, &message), -EINVAL);
}

/* A datagram with id and text of these lengths. */
static int parse_lengths(size_t id, size_t text)
{
	static char datagram[MESSAGE_DATAGRAM_MAX + 10];

	memset(datagram, 'i', id);
	datagram[id] = ' ';
	memset(datagram + id + 1, 't', text);
	return message_parse(datagram, id + 1 + text, &message);
}

static void both_parts_are_bounded(void **state)
{
	assert_int_equal(parse_lengths(MESSAGE_ID_MAX, MESSAGE_TEXT_MAX), 0);
	assert_int_equal(message.id_bytes, MESSAGE_ID_MAX);
	assert_int_equal(message_bytes(&message), sizeof(message));
	assert_int_equal(parse_lengths(MESSAGE_ID_MAX + 1, 1), -EINVAL);
	assert_int_equal(parse_lengths(1, MESSAGE_TEXT_MAX + 1), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_datagram_is_an_id_and_a_text),
		cmocka_unit_test(a_star_is_all_unless_it_is_escaped),
		cmocka_unit_test(what_is_no_message_is_refused),
		cmocka_unit_test(both_parts_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
