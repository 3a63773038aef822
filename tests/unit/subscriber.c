// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
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

#include "lib/args.h"
#include "server/board.h"
#include "server/buffer.h"
#include "server/conn.h"
#include "server/context.h"
#include "server/inheritance.h"
#include "server/message.h"
#include "server/pool.h"
#include "server/publish.h"
#include "server/roster.h"
#include "server/session.h"
#include "server/stats.h"
#include "server/subscriber.h"

/* One worker's context with one feed, "/test/7", whose client the test is. */
struct setup {
	struct context context;
	struct settings settings;
	struct board *board;
	struct publish *publish;
	struct conn *conn;
	char folder[40];
	int server, client;
};

static void turn(struct setup *setup)
{
	for (int i = 0; i < 50; i++)
		ev_run(setup->context.loop, EVRUN_NOWAIT);
}

/* All that is there to read, with a NUL. */
static const char *read_all(struct setup *setup)
{
	static char text[1 << 20];
	size_t length = 0;
	ssize_t bytes;

	while ((bytes = read(setup->client, text + length, sizeof(text) - 1 - length)) >
	       0) {
		length += (size_t)bytes;
		turn(setup);
	}
	text[length] = '\0';
	return text;
}

static void ask(struct setup *setup)
{
	static const char FEED[] = "GET /test/7 HTTP/1.0\r\n\r\n";

	assert_int_equal(write(setup->client, FEED, sizeof(FEED) - 1), sizeof(FEED) - 1);
	turn(setup);
	assert_non_null(strstr(read_all(setup), "Your Id: /test/7\n"));
}

static int open_setup(void **state)
{
	struct setup *setup = calloc(1, sizeof(*setup));
	struct context *context = &setup->context;
	struct args_why why;
	struct inheritance none = { 0 };
	char path[80];
	int ends[2];

	setup->settings.interval_s = 3600;
	assert_int_equal(board_open(&setup->board, 1), 0);
	context->board = setup->board;
	context->stats = board_slot(setup->board, 0);
	context->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	LIST_INIT(&context->open);
	assert_int_equal(context_open(context, &setup->settings), 0);
	snprintf(setup->folder, sizeof(setup->folder), "/tmp/subscriber-XXXXXX");
	assert_non_null(mkdtemp(setup->folder));
	snprintf(path, sizeof(path), "%s/socket", setup->folder);
	assert_int_equal(publish_open(&setup->publish, path, 1, &none, &why), 0);
	context->publish = setup->publish;
	assert_int_equal(
		roster_open(&context->roster, publish_presence(setup->publish), 0), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	setup->server = ends[0];
	setup->client = ends[1];
	assert_int_equal(conn_open(context, setup->server, session_http()), 0);
	setup->conn = LIST_FIRST(&context->open);
	ask(setup);
	*state = setup;
	return 0;
}

static int close_setup(void **state)
{
	struct setup *setup = *state;
	struct context *context = &setup->context;

	while (!LIST_EMPTY(&context->open))
		conn_close(LIST_FIRST(&context->open));
	assert_int_equal(roster_count(context->roster), 0);
	assert_int_equal(pool_used(context->small), 0);
	close(setup->client);
	roster_close(context->roster);
	publish_close(setup->publish);
	assert_int_equal(rmdir(setup->folder), 0);
	ev_loop_destroy(context->loop);
	context_close(context);
	board_close(setup->board);
	free(setup);
	return 0;
}

static uint64_t counted(const struct setup *setup, enum stats_counter counter)
{
	return stats_get(setup->context.stats, counter);
}

/* Fills the socket under the feed, so that its next write blocks. */
static void stuff(struct setup *setup)
{
	char junk[1024];

	memset(junk, '-', sizeof(junk));
	while (write(setup->server, junk, sizeof(junk)) > 0) {
	}
	while (write(setup->server, junk, 1) > 0) {
	}
}

static void give(struct setup *setup, unsigned number)
{
	char text[64];

	snprintf(text, sizeof(text), "message %u of some length", number);
	subscriber_give(setup->conn, text, strlen(text));
}

static bool wants(const struct setup *setup, const char *datagram)
{
	struct message message;

	assert_int_equal(message_parse(datagram, strlen(datagram), &message), 0);
	return subscriber_wants(setup->conn, &message);
}

static void a_message_is_for_its_id_or_for_all(void **state)
{
	const struct setup *setup = *state;

	assert_true(wants(setup, "7 x"));
	assert_true(wants(setup, "%37 x"));
	assert_true(wants(setup, "* x"));
	assert_false(wants(setup, "77 x"));
	assert_false(wants(setup, "/test/7 x"));
}

static void messages_for_a_client_that_reads_take_no_memory(void **state)
{
	struct setup *setup = *state;

	give(setup, 1);
	give(setup, 2);
	assert_int_equal(pool_used(setup->context.small), 0);
	assert_string_equal(read_all(setup),
			    "message 1 of some length\nmessage 2 of some length\n");
	assert_int_equal(counted(setup, STAT_MESSAGES_OUT), 2);
}

/* What was on its way, then the newest in their order, and every one is accounted for. */
static void a_client_that_does_not_read_keeps_two_buffers_busy_and_no_more(void **state)
{
	struct setup *setup = *state;
	unsigned number, last = 0, seen = 0;
	const char *text;

	stuff(setup);
	for (number = 1; number <= 5000; number++)
		give(setup, number);
	assert_int_equal(pool_used(setup->context.small), 2);
	text = strchr(read_all(setup), 'm');
	for (; text && sscanf(text, "message %u of", &number) == 1;
	     text = strchr(text, '\n') + 1) {
		assert_true(number > last);
		last = number;
		seen++;
	}
	assert_int_equal(last, 5000);
	assert_int_equal(counted(setup, STAT_MESSAGES_OUT), seen);
	assert_int_equal(counted(setup, STAT_MESSAGES_LOST), 5000 - seen);
	assert_true(seen > 100);
	assert_int_equal(pool_used(setup->context.small), 0);
}

static void without_memory_messages_are_lost_and_counted(void **state)
{
	struct setup *setup = *state;

	pool_close(setup->context.small);
	assert_int_equal(buffer_pool_open(&setup->context.small, CONTEXT_SMALL_BYTES, 0),
			 0);
	stuff(setup);
	give(setup, 1);
	give(setup, 2);
	assert_int_equal(counted(setup, STAT_MESSAGES_LOST), 2);
	assert_int_equal(counted(setup, STAT_CONNS_OPEN), 1);
	read_all(setup);
	give(setup, 3);
	assert_string_equal(read_all(setup), "message 3 of some length\n");
}

static void what_waits_when_the_client_goes_is_counted_as_lost(void **state)
{
	struct setup *setup = *state;

	stuff(setup);
	for (unsigned i = 1; i <= 20; i++)
		give(setup, i);
	/* The first one waits for the kernel, as the rest of a cut one would. */
	assert_int_equal(counted(setup, STAT_MESSAGES_OUT), 1);
	conn_close(setup->conn);
	assert_int_equal(counted(setup, STAT_MESSAGES_LOST), 19);
}

static void slow_clients_are_closed_if_that_is_wanted(void **state)
{
	struct setup *setup = *state;
	unsigned number = 0;

	setup->settings.slow_close = true;
	stuff(setup);
	while (counted(setup, STAT_CONNS_OPEN) == 1 && number < 5000)
		give(setup, ++number);
	assert_int_equal(counted(setup, STAT_CONNS_DROPPED), 1);
	assert_int_equal(counted(setup, STAT_MESSAGES_OUT) +
				 counted(setup, STAT_MESSAGES_LOST),
			 number);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_message_is_for_its_id_or_for_all,
						open_setup, close_setup),
		cmocka_unit_test_setup_teardown(
			messages_for_a_client_that_reads_take_no_memory, open_setup,
			close_setup),
		cmocka_unit_test_setup_teardown(
			a_client_that_does_not_read_keeps_two_buffers_busy_and_no_more,
			open_setup, close_setup),
		cmocka_unit_test_setup_teardown(
			without_memory_messages_are_lost_and_counted, open_setup,
			close_setup),
		cmocka_unit_test_setup_teardown(
			what_waits_when_the_client_goes_is_counted_as_lost, open_setup,
			close_setup),
		cmocka_unit_test_setup_teardown(slow_clients_are_closed_if_that_is_wanted,
						open_setup, close_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
