// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/board.h"
#include "server/buffer.h"
#include "server/conn.h"
#include "server/context.h"
#include "server/pool.h"
#include "server/session.h"
#include "server/stats.h"
#include "server/stream.h"

static const char HEALTH[] = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
static const char FEED[] = "GET /test/1 HTTP/1.1\r\nHost: a\r\n\r\n";

/* One worker's context with one connection, whose other end the test holds. */
struct setup {
	struct context context;
	struct settings settings;
	struct board *board;
	int server, client;
	size_t stuffed; /* bytes that stuff() left in front of the answer */
};

static struct setup *open_setup(const struct conn_ops *ops)
{
	struct setup *setup = calloc(1, sizeof(*setup));
	int ends[2];

	assert_non_null(setup);
	setup->settings.interval_s = 1;
	assert_int_equal(board_open(&setup->board, 1), 0);
	setup->context.board = setup->board;
	setup->context.stats = board_slot(setup->board, 0);
	setup->context.loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	LIST_INIT(&setup->context.open);
	assert_int_equal(context_open(&setup->context, &setup->settings), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	setup->server = ends[0];
	setup->client = ends[1];
	assert_int_equal(conn_open(&setup->context, setup->server, ops), 0);
	return setup;
}

static void close_setup(struct setup *setup)
{
	while (!LIST_EMPTY(&setup->context.open))
		conn_close(LIST_FIRST(&setup->context.open));
	assert_int_equal(pool_used(setup->context.conns), 0);
	assert_int_equal(pool_used(setup->context.heads), 0);
	assert_int_equal(pool_used(setup->context.small), 0);
	assert_int_equal(pool_used(setup->context.large), 0);
	close(setup->client);
	ev_loop_destroy(setup->context.loop);
	context_close(&setup->context);
	board_close(setup->board);
	free(setup);
}

/* Lets the loop do all that there is to do now. */
static void turn(struct setup *setup)
{
	for (int i = 0; i < 50; i++)
		ev_run(setup->context.loop, EVRUN_NOWAIT);
}

static void ask(struct setup *setup, const char *text)
{
	assert_int_equal(write(setup->client, text, strlen(text)), strlen(text));
	turn(setup);
}

/* Fills the socket under the connection, so that its next write blocks. */
static void stuff(struct setup *setup)
{
	static const char JUNK[1024];
	ssize_t bytes;

	for (size_t piece = sizeof(JUNK); piece > 0; piece = piece > 1 ? 1 : 0)
		while ((bytes = write(setup->server, JUNK, piece)) > 0)
			setup->stuffed += (size_t)bytes;
}

/* Reads to the end, or until nothing comes any more; what is behind the junk is in text. */
static bool read_rest(struct setup *setup, char *text, size_t size)
{
	size_t length = 0;
	ssize_t bytes;

	while (setup->stuffed > 0) {
		size_t piece = setup->stuffed < size ? setup->stuffed : size;

		bytes = read(setup->client, text, piece);
		assert_true(bytes > 0);
		setup->stuffed -= (size_t)bytes;
		turn(setup);
	}
	while ((bytes = read(setup->client, text + length, size - 1 - length)) > 0) {
		length += (size_t)bytes;
		turn(setup);
	}
	text[length] = '\0';
	return bytes == 0;
}

static uint64_t counted(const struct setup *setup, enum stats_counter counter)
{
	return stats_get(setup->context.stats, counter);
}

static void an_idle_feed_holds_no_buffer_and_little_memory(void **state)
{
	struct setup *setup = open_setup(session_http());
	char text[1000];

	/* with a short id (32 bytes of malloc) and libev's share (16) at most 256 */
	assert_in_range(sizeof(struct conn), 1, 256 - 32 - 16);
	assert_int_equal(pool_used(setup->context.heads), 0);
	ask(setup, FEED);
	assert_false(read_rest(setup, text, sizeof(text)));
	assert_non_null(strstr(text, "ctkit welcomes you! Your Id: /test/1\n"));
	assert_int_equal(pool_used(setup->context.heads), 0);
	assert_int_equal(pool_used(setup->context.small), 0);
	assert_int_equal(pool_used(setup->context.large), 0);
	close_setup(setup);
}

static void half_a_head_is_kept_until_its_end(void **state)
{
	struct setup *setup = open_setup(session_http());
	char text[1000];

	ask(setup, "GET /heal");
	assert_int_equal(pool_used(setup->context.heads), 1);
	ask(setup, "thz HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(pool_used(setup->context.heads), 0);
	assert_false(read_rest(setup, text, sizeof(text)));
	assert_non_null(strstr(text, "\r\n\r\nok\n"));
	close_setup(setup);
}

static void a_blocked_answer_outlives_the_end_of_the_requests(void **state)
{
	struct setup *setup = open_setup(session_http());
	char text[1000];

	stuff(setup);
	ask(setup, HEALTH);
	shutdown(setup->client, SHUT_WR);
	turn(setup);
	assert_int_equal(pool_used(setup->context.small), 1);
	assert_true(read_rest(setup, text, sizeof(text)));
	assert_non_null(strstr(text, "\r\n\r\nok\n"));
	assert_int_equal(counted(setup, STAT_CONNS_OPEN), 0);
	close_setup(setup);
}

/* Blocks a feed whose id has length bytes until chunks are lost, then stops it. */
static void end_blocked_feed(size_t length)
{
	struct setup *setup = open_setup(session_http());
	struct conn *conn = LIST_FIRST(&setup->context.open);
	static char text[8000];
	uint64_t chunks = 0;

	snprintf(text, sizeof(text), "GET /test/%0*d HTTP/1.1\r\nHost: a\r\n\r\n",
		 (int)length, 7);
	ask(setup, text);
	assert_true(read(setup->client, text, sizeof(text)) > 0);
	stuff(setup);
	while (counted(setup, STAT_CHUNKS_LOST) == 0) {
		conn->ops->due(conn);
		chunks++;
	}
	assert_int_equal(counted(setup, STAT_CHUNKS_SENT), chunks - 1);
	assert_int_equal(pool_used(setup->context.small), 1);
	conn->ops->stop(conn);
	read_rest(setup, text, sizeof(text));
	assert_non_null(strstr(text, "Chunk 1 for id /test/0"));
	assert_string_equal(text + strlen(text) - 8, "\n\r\n0\r\n\r\n");
	close_setup(setup);
}

/* Whatever room the last chunk that fitted has left. */
static void a_blocked_feed_still_ends_properly(void **state)
{
	for (size_t length = 10; length < 60; length++)
		end_blocked_feed(length);
}

static void a_feed_goes_on_after_it_was_blocked(void **state)
{
	struct setup *setup = open_setup(session_http());
	struct conn *conn = LIST_FIRST(&setup->context.open);
	char text[2000];

	ask(setup, FEED);
	assert_true(read(setup->client, text, sizeof(text)) > 0);
	stuff(setup);
	conn->ops->due(conn);
	assert_int_equal(pool_used(setup->context.small), 1);
	assert_false(read_rest(setup, text, sizeof(text)));
	assert_string_equal(text, "0017\r\nChunk 1 for id /test/1\n\r\n");
	assert_int_equal(pool_used(setup->context.small), 0);
	conn->ops->due(conn);
	assert_false(read_rest(setup, text, sizeof(text)));
	assert_string_equal(text, "0017\r\nChunk 2 for id /test/1\n\r\n");
	close_setup(setup);
}

static void without_memory_what_is_blocked_is_dropped_and_counted(void **state)
{
	struct setup *setup = open_setup(session_http());

	pool_close(setup->context.small);
	assert_int_equal(buffer_pool_open(&setup->context.small, CONTEXT_SMALL_BYTES, 0),
			 0);
	stuff(setup);
	ask(setup, HEALTH);
	assert_int_equal(counted(setup, STAT_CONNS_DROPPED), 1);
	assert_int_equal(counted(setup, STAT_CONNS_OPEN), 0);
	close_setup(setup);
}

static void a_blocked_echo_reads_no_more_and_loses_nothing(void **state)
{
	struct setup *setup = open_setup(stream_echo());
	char text[1000];

	stuff(setup);
	ask(setup, "hello");
	ask(setup, " world");
	shutdown(setup->client, SHUT_WR);
	turn(setup);
	assert_int_equal(counted(setup, STAT_TCP_BYTES_IN), 5);
	assert_true(read_rest(setup, text, sizeof(text)));
	assert_string_equal(text, "hello world");
	assert_int_equal(counted(setup, STAT_CONNS_CLOSED), 1);
	close_setup(setup);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_idle_feed_holds_no_buffer_and_little_memory),
		cmocka_unit_test(half_a_head_is_kept_until_its_end),
		cmocka_unit_test(a_blocked_answer_outlives_the_end_of_the_requests),
		cmocka_unit_test(a_blocked_feed_still_ends_properly),
		cmocka_unit_test(a_feed_goes_on_after_it_was_blocked),
		cmocka_unit_test(without_memory_what_is_blocked_is_dropped_and_counted),
		cmocka_unit_test(a_blocked_echo_reads_no_more_and_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
