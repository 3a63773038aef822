// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/stream.h"

#include <errno.h>

#include "server/conn.h"

static void on_start(struct conn *conn)
{
}

static void on_release(struct conn *conn)
{
}

static void on_due(struct conn *conn)
{
}

static void echo_data(struct conn *conn, const char *data, size_t bytes)
{
	int err = conn_send(conn, data, bytes);

	if (err == -EAGAIN || err == -ENOBUFS)
		conn_drop(conn);
	else if (err)
		conn_close(conn);
	else if (conn_blocked(conn))
		conn_watch(conn, EV_WRITE);
}

/* The peer may have ended its side only: it still gets all that it sent. */
static void echo_eof(struct conn *conn)
{
	if (!conn_blocked(conn))
		conn_close(conn);
}

static void echo_drained(struct conn *conn)
{
	if (conn->eof)
		conn_close(conn);
}

static void discard_data(struct conn *conn, const char *data, size_t bytes)
{
}

static void discard_drained(struct conn *conn)
{
}

static const struct conn_ops ECHO_OPS = {
	.start = on_start,
	.data = echo_data,
	.eof = echo_eof,
	.due = on_due,
	.drained = echo_drained,
	.stop = conn_stop_reading,
	.release = on_release,
};

static const struct conn_ops DISCARD_OPS = {
	.start = on_start,
	.data = discard_data,
	.eof = conn_close,
	.due = on_due,
	.drained = discard_drained,
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
