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

static void on_drained(struct conn *conn)
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
		conn_watch(
			conn,
			EV_WRITE); /* so an end of input is seen only when all is back */
}

/* Reading was all: the kernel counts what is read as received. */
static void discard_data(struct conn *conn, const char *data, size_t bytes)
{
}

static const struct conn_ops ECHO_OPS = {
	.start = on_start,
	.data = echo_data,
	.eof = conn_close,
	.due = on_due,
	.drained = on_drained,
	.stop = conn_stop_reading,
	.release = on_release,
};

static const struct conn_ops DISCARD_OPS = {
	.start = on_start,
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
