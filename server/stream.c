// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/stream.h"

#include <errno.h>

#include "lib/clock.h"
#include "server/conn.h"
#include "server/context.h"
#include "server/stats.h"

/*
 * Bytes cost a store each and no timer: the time is looked at in quarters, so a
 * connection is closed up to a quarter late.
 */
enum { QUARTERS = 4 };

static void wake_in_a_quarter(struct conn *conn)
{
	double quarter_s = conn->context->settings->idle_s / QUARTERS;
	uint64_t now_ns = clock_now_ns();

	if (quarter_s > 0)
		conn_wake_at(conn, now_ns,
			     now_ns + (uint64_t)(quarter_s * CLOCK_NS_PER_S));
}

static void on_release(struct conn *conn)
{
}

static void on_due(struct conn *conn)
{
	if (++conn->quiet <= QUARTERS) {
		wake_in_a_quarter(conn);
		return;
	}
	stats_add(conn->context->stats, STAT_CONNS_IDLE, 1);
	conn_close(conn);
}

/* A peer that takes what is sent is not idle. */
static void on_drained(struct conn *conn)
{
	conn->quiet = 0;
}

static void echo_data(struct conn *conn, const char *data, size_t bytes)
{
	int err = conn_send(conn, data, bytes);

	conn->quiet = 0;
	if (err == -EAGAIN || err == -ENOBUFS)
		conn_drop(conn);
	else if (err)
		conn_close(conn);
	else if (conn_blocked(conn))
		conn_watch(
			conn,
			EV_WRITE); /* so an end of input is seen only when all is back */
}

/* Reading was all: the kernel counts what is read as received. */
static void discard_data(struct conn *conn, const char *data, size_t bytes)
{
	conn->quiet = 0;
}

static const struct conn_ops ECHO_OPS = {
	.start = wake_in_a_quarter,
	.data = echo_data,
	.eof = conn_close,
	.due = on_due,
	.drained = on_drained,
	.stop = conn_stop_reading,
	.release = on_release,
};

static const struct conn_ops DISCARD_OPS = {
	.start = wake_in_a_quarter,
	.data = discard_data,
	.eof = conn_close,
	.due = on_due,
	.drained = on_drained,
	.stop = conn_stop_reading,
	.release = on_release,
};

const struct conn_ops *stream_echo(void)
{
	return &ECHO_OPS;
}

const struct conn_ops *stream_discard(void)
{
	return &DISCARD_OPS;
}
