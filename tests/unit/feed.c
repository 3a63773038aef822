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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
