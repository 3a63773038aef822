// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "server/reply.h"

static const char FEED[] =
	"HTTP/1.1 200 OK\r\nServer: x\r\nTransfer-Encoding: chunked\r\n\r\n"
	"14\r\nwelcome, Chunk lover\r\n1\r\n\n\r\n"
	"8\r\nChunk 1\n\r\n3\r\nChu\r\n5\r\nnk 2\n\r\n"
	"10\r\nChunk 3\nChunk 4\n\r\n"
	"9\r\nChun k 5\n\r\n6\r\n\nChunk\r\n";
enum { FEED_CHUNKS = 5 };

/* Reads bytes in pieces of the given size; returns the sum of chunks or the error. */
static int read_in_pieces(struct reply *reply, const char *bytes, size_t length,
			  size_t piece)
{
	int sum = 0;

	for (size_t at = 0; at < length; at += piece) {
		size_t n = length - at < piece ? length - at : piece;
		uint32_t chunks = 0;
		int err = reply_read(reply, bytes + at, n, &chunks);

		if (err)
			return err;
		sum += (int)chunks;
	}
	return sum;
}

static void lines_are_counted_however_the_stream_is_cut(void **state)
{
	for (size_t piece = 1; piece <= sizeof(FEED); piece++) {
		struct reply reply;

		reply_start(&reply);
		assert_int_equal(read_in_pieces(&reply, FEED, sizeof(FEED) - 1, piece),
				 FEED_CHUNKS);
		assert_true(reply.open);
		assert_false(reply.ended);
	}
}

static void a_feed_without_chunked_encoding_is_read_too(void **state)
{
	static const char OLD[] = "HTTP/1.0 200 OK\r\n\r\nChunk 1\nChunk 2\n";
	struct reply reply;

	reply_start(&reply);
	assert_int_equal(read_in_pieces(&reply, OLD, sizeof(OLD) - 1, 3), 2);
	assert_true(reply.open);
}

static void another_status_is_an_error(void **state)
{
	static const char *const OTHER[] = {
		"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 206 Partial\r\nContent-Length: 1\r\n\r\nx",
	};

	for (int i = 0; i < 3; i++) {
		struct reply reply;

		reply_start(&reply);
		assert_int_equal(read_in_pieces(&reply, OTHER[i], strlen(OTHER[i]), 7),
				 -EBADMSG);
		assert_false(reply.open);
	}
}

static void what_is_not_http_is_an_error(void **state)
{
	static const char *const BAD[] = {
		"SSH-2.0-OpenSSH\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"fffffffffffffffff\r\n",
	};

	for (int i = 0; i < 3; i++) {
		struct reply reply;

		reply_start(&reply);
		assert_int_equal(read_in_pieces(&reply, BAD[i], strlen(BAD[i]), 5),
				 -EPROTO);
	}
}

static void a_head_without_end_is_given_up(void **state)
{
	static char head[2 * REPLY_HEAD_MAX];
	struct reply reply;

	memset(head, 'a', sizeof(head));
	memcpy(head, "HTTP/1.1 200 OK\r\nX: ", 20);
	reply_start(&reply);
	assert_int_equal(read_in_pieces(&reply, head, sizeof(head), 100), -EMSGSIZE);
	reply_start(&reply);
	assert_int_equal(read_in_pieces(&reply, head, sizeof(head), sizeof(head)),
			 -EMSGSIZE);
}

static void a_body_that_ends_is_seen_to_end(void **state)
{
	static const char WHOLE[] =
		"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nChunk 1\n";
	struct reply reply;

	reply_start(&reply);
	assert_int_equal(read_in_pieces(&reply, WHOLE, sizeof(WHOLE) - 1, 1000), 1);
	assert_true(reply.ended);
}

static void noise_never_does_harm(void **state)
{
	unsigned seed = (unsigned)time(NULL);

	print_message("seed %u\n", seed);
	srandom(seed);
	for (int i = 0; i < 20000; i++) {
		char noisy[sizeof(FEED)];
		struct reply reply;

		memcpy(noisy, FEED, sizeof(FEED));
		for (int k = 0; k < 4; k++)
			noisy[(size_t)random() % sizeof(FEED)] = (char)random();
		reply_start(&reply);
		assert_true(read_in_pieces(&reply, noisy, sizeof(noisy),
					   1 + (size_t)random() % 64) <= FEED_CHUNKS + 4);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_counted_however_the_stream_is_cut),
		cmocka_unit_test(a_feed_without_chunked_encoding_is_read_too),
		cmocka_unit_test(another_status_is_an_error),
		cmocka_unit_test(what_is_not_http_is_an_error),
		cmocka_unit_test(a_head_without_end_is_given_up),
		cmocka_unit_test(a_body_that_ends_is_seen_to_end),
		cmocka_unit_test(noise_never_does_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
