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

#include "server/feed.h"

static char text[FEED_TEXT_MAX];
static struct feed_line line;

static void assert_text(size_t bytes, const char *expected)
{
	assert_int_equal(bytes, strlen(expected));
	assert_memory_equal(text, expected, bytes);
}

static void assert_line(size_t bytes, const char *expected)
{
	assert_int_equal(bytes, strlen(expected));
	assert_memory_equal(line.text, expected, bytes);
}

static void plain_lines_end_in_a_newline(void **state)
{
	assert_text(feed_welcome(text, FEED_PLAIN, "/test/7"),
		    "ctkit welcomes you! Your Id: /test/7\n");
	assert_line(feed_chunk(&line, FEED_PLAIN, 1, "/test/7"),
		    "Chunk 1 for id /test/7\n");
}

static void chunks_carry_their_size(void **state)
{
	assert_line(feed_chunk(&line, FEED_CHUNKED, 12345, "/test/7"),
		    "001b\r\nChunk 12345 for id /test/7\n\r\n");
}

static void events_end_in_an_empty_line(void **state)
{
	assert_line(feed_chunk(&line, FEED_EVENTS, 2, "/test/7"),
		    "id: 2\ndata: Chunk 2 for id /test/7\n\n");
	assert_line(feed_chunk(&line, FEED_EVENTS | FEED_CHUNKED, 2, "/test/7"),
		    "0024\r\nid: 2\ndata: Chunk 2 for id /test/7\n\n\r\n");
	assert_text(feed_welcome(text, FEED_EVENTS, "/test/7"),
		    "retry: 2000\ndata: ctkit welcomes you! Your Id: /test/7\n\n");
}

static void a_message_is_a_line_of_its_own(void **state)
{
	assert_text(feed_message(text, FEED_PLAIN, "50% off?", 7), "50% off\n");
	assert_text(feed_message(text, FEED_CHUNKED, "hi", 2), "0003\r\nhi\n\r\n");
	assert_text(feed_message(text, FEED_EVENTS, "hi", 2), "data: hi\n\n");
}

static void lines_of_many_feeds_do_not_mix(void **state)
{
	assert_line(feed_chunk(&line, FEED_PLAIN, 9, "/test/a-long-one"),
		    "Chunk 9 for id /test/a-long-one\n");
	assert_line(feed_chunk(&line, FEED_PLAIN, 9, "/test/b"),
		    "Chunk 9 for id /test/b\n");
	assert_line(feed_chunk(&line, FEED_PLAIN, 10, "/test/a-long-one"),
		    "Chunk 10 for id /test/a-long-one\n");
	assert_line(feed_chunk(&line, FEED_CHUNKED, 10, "/test/b"),
		    "0018\r\nChunk 10 for id /test/b\n\r\n");
	assert_line(feed_chunk(&line, FEED_CHUNKED, 10, "/test/a-long-one"),
		    "0021\r\nChunk 10 for id /test/a-long-one\n\r\n");
}

static void the_end_is_the_last_chunk_or_nothing(void **state)
{
	size_t bytes;
	const char *end = feed_end(FEED_CHUNKED | FEED_EVENTS, &bytes);

	assert_int_equal(bytes, 5);
	assert_memory_equal(end, "0\r\n\r\n", 5);
	feed_end(FEED_EVENTS, &bytes);
	assert_int_equal(bytes, 0);
}

static void the_longest_id_fits(void **state)
{
	char id[FEED_ID_MAX + 1];
	size_t bytes;

	memset(id, 'x', FEED_ID_MAX);
	id[FEED_ID_MAX] = '\0';
	bytes = feed_welcome(text, FEED_CHUNKED | FEED_EVENTS, id);
	assert_in_range(bytes, FEED_ID_MAX, FEED_TEXT_MAX);
	bytes = feed_chunk(&line, FEED_CHUNKED | FEED_EVENTS, UINT64_MAX, id);
	assert_in_range(bytes, FEED_ID_MAX, FEED_TEXT_MAX);
	assert_memory_equal(line.text + bytes - 4, "\n\n\r\n", 4);
}

static enum feed_said said(const char *words, uint64_t *number)
{
	const char *id;
	size_t bytes;
	enum feed_said what = feed_read(words, strlen(words), number, &id, &bytes);

	if (what != FEED_SAID_NOTHING) {
		assert_int_equal(bytes, strlen("/test/7"));
		assert_memory_equal(id, "/test/7", bytes);
	}
	return what;
}

static void what_is_written_is_read(void **state)
{
	uint64_t number = 0;

	text[feed_welcome(text, FEED_PLAIN, "/test/7")] = '\0';
	assert_int_equal(said(text, &number), FEED_SAID_WELCOME);
	for (uint64_t n = 1; n < UINT64_C(1000000000000000000); n = n * 7 + 1) {
		line.text[feed_chunk(&line, FEED_PLAIN, n, "/test/7")] = '\0';
		assert_int_equal(said(line.text, &number), FEED_SAID_CHUNK);
		assert_int_equal(number, n);
		/* No part of it is a line. */
		for (size_t i = strlen(line.text); i-- > 0;) {
			line.text[i] = '\0';
			assert_int_equal(said(line.text, &number), FEED_SAID_NOTHING);
		}
		line.number = 0;
	}
}

static void what_is_nearly_a_line_is_not_read(void **state)
{
	static const char *const LINES[] = {
		"",
		"\n",
		"Chunk 1 for id /test/7",
		"Chunk  1 for id /test/7\n",
		"Chunk 0 for id /test/7\n",
		"Chunk 01 for id /test/7\n",
		"Chunk -1 for id /test/7\n",
		"Chunk 18446744073709551617 for id /test/7\n",
		"Chunk 1 for /test/7\n",
		"chunk 1 for id /test/7\n",
		" Chunk 1 for id /test/7\n",
		"ctkit welcomes you! /test/7\n",
	};
	uint64_t number;

	for (size_t i = 0; i < sizeof(LINES) / sizeof(LINES[0]); i++)
		assert_int_equal(said(LINES[i], &number), FEED_SAID_NOTHING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_lines_end_in_a_newline),
		cmocka_unit_test(chunks_carry_their_size),
		cmocka_unit_test(events_end_in_an_empty_line),
		cmocka_unit_test(lines_of_many_feeds_do_not_mix),
		cmocka_unit_test(a_message_is_a_line_of_its_own),
		cmocka_unit_test(the_end_is_the_last_chunk_or_nothing),
		cmocka_unit_test(the_longest_id_fits),
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(what_is_nearly_a_line_is_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
