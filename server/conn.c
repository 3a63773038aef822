// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/conn.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/clock.h"
#include "server/buffer.h"
#include "server/context.h"
#include "server/pool.h"
#include "server/quota.h"
#include "server/stats.h"

enum {
	END_RESERVE = 16, /* of a buffer, for the proper end of a feed */
	END_S = 10,       /* to take the last bytes */
	LINGER_S = 2,     /* to end the other side */
};

/* The order matters: stop the watcher before the number of its descriptor is free again. */
void conn_close(struct conn *conn)
{
	struct context *context = conn->context;

	conn->ops->release(conn);
	buffer_put(&conn->out);
	buffer_put(&conn->in);
	wheel_remove(&context->wheel, &conn->timer);
	LIST_REMOVE(conn, entry);
	ev_io_stop(context->loop, &conn->io);
	if (context->quota)
		quota_give(context->quota, context->number, conn->io.fd);
	close(conn->io.fd);
	stats_add(context->stats, STAT_CONNS_CLOSED, 1);
	stats_drop(context->stats, STAT_CONNS_OPEN, 1);
	pool_put(context->conns, conn);
}

void conn_drop(struct conn *conn)
{
	stats_add(conn->context->stats, STAT_CONNS_DROPPED, 1);
	conn_close(conn);
}

bool conn_blocked(const struct conn *conn)
{
	return conn->out != NULL;
}

/* A change costs a system call in the loop, so it is made only where there is one. */
void conn_watch(struct conn *conn, int events)
{
	struct ev_loop *loop = conn->context->loop;

	events &= conn->eof ? EV_WRITE : EV_READ | EV_WRITE;
	if (ev_is_active(&conn->io)) {
		if ((conn->io.events & (EV_READ | EV_WRITE)) == events)
			return;
		ev_io_stop(loop, &conn->io);
	}
	ev_io_set(&conn->io, conn->io.fd, events);
	if (events)
		ev_io_start(loop, &conn->io);
}

void conn_wake_at(struct conn *conn, uint64_t now_ns, uint64_t due_ns)
{
	struct context *context = conn->context;

	wheel_remove(&context->wheel, &conn->timer);
	wheel_add(&context->wheel, &conn->timer, now_ns, due_ns);
	if (!ev_is_active(&context->turn))
		ev_timer_again(context->loop, &context->turn);
}

static void wake_in(struct conn *conn, uint64_t seconds)
{
	uint64_t now_ns = clock_now_ns();

	conn_wake_at(conn, now_ns, now_ns + seconds * CLOCK_NS_PER_S);
}

/* One write. Returns the bytes it took, which may be 0, or -errno. */
static ssize_t write_some(struct conn *conn, const void *data, size_t bytes)
{
	struct context *context = conn->context;
	ssize_t sent = send(conn->io.fd, data, bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
	int err = errno;

	/* EINTR is left to the loop too: it calls again as long as the socket is writable. */
	if (sent < 0) {
		if (err == EAGAIN || err == EINTR)
			return 0;
		stats_add(context->stats, STAT_CONNS_BROKEN, 1);
		if (err == EPERM)
			context_count_eperm(context, 1);
		return -err;
	}
	stats_add(context->stats, STAT_TCP_BYTES_OUT, (uint64_t)sent);
	if (sent > 0 && (size_t)sent < bytes)
		stats_add(context->stats, STAT_SENDS_SHORT, 1);
	return sent;
}

/* A feed's line fits in a small buffer; what was read at once needs a large one. */
static struct buffer *get_buffer(struct context *context, size_t bytes)
{
	if (bytes + END_RESERVE <= CONTEXT_SMALL_BYTES)
		return buffer_get(context->small, CONTEXT_SMALL_BYTES);
	return buffer_get(context->large, CONTEXT_READ_BYTES);
}

/* Keeps bytes that the socket did not take. An idle connection gets its buffer only here. */
static int block(struct conn *conn, const void *data, size_t bytes)
{
	if (!conn->out)
		conn->out = get_buffer(conn->context, bytes);
	if (!conn->out)
		return -EAGAIN;
	conn_watch(conn, conn->io.events | EV_WRITE);
	return buffer_append(conn->out, 0, data, bytes);
}

/* Writes first and watches only when that was not enough: most writes need no loop. */
int conn_send(struct conn *conn, const void *data, size_t bytes)
{
	ssize_t sent;

	if (conn->out)
		return buffer_append(conn->out, END_RESERVE, data, bytes);
	sent = write_some(conn, data, bytes);
	if (sent < 0)
		return (int)sent;
	if ((size_t)sent == bytes)
		return 0;
	if (block(conn, (const char *)data + sent, bytes - (size_t)sent) == 0)
		return 0;
	/* Half a line is worse than none: what follows would be read as its rest. */
	return sent == 0 ? -EAGAIN : -ENOBUFS;
}

/* All is written: ends our side, and the connection unless the peer may still be sending. */
static void finish(struct conn *conn)
{
	if (conn->eof || shutdown(conn->io.fd, SHUT_WR) < 0) {
		conn_close(conn);
		return;
	}
	/*
	 * Closing with unread input would be a reset, which destroys the answer
	 * on its way to the peer.
	 */
	conn->phase = CONN_LINGERING;
	conn_watch(conn, EV_READ);
	wake_in(conn, LINGER_S);
}

void conn_end(struct conn *conn, const void *data, size_t bytes)
{
	ssize_t sent = 0;

	buffer_put(&conn->in);
	if (!conn->out && bytes > 0)
		sent = write_some(conn, data, bytes);
	if (sent < 0) {
		conn_close(conn);
		return;
	}
	if (!conn->out && (size_t)sent == bytes) {
		finish(conn);
		return;
	}
	if (block(conn, (const char *)data + sent, bytes - (size_t)sent) < 0) {
		conn_drop(conn);
		return;
	}
	conn->phase = CONN_ENDING;
	conn_watch(conn, EV_WRITE);
	wake_in(conn, END_S);
}

int conn_put_aside(struct conn *conn, const char *data, size_t bytes)
{
	if (!conn->in)
		conn->in = get_buffer(conn->context, CONTEXT_READ_BYTES);
	if (!conn->in || buffer_append(conn->in, 0, data, bytes) < 0)
		return -ENOBUFS;
	conn_watch(conn, EV_WRITE);
	return 0;
}

/* Gives back to the service what it had put aside; it may put the rest aside again. */
static void take_up(struct conn *conn)
{
	struct context *context = conn->context;
	size_t bytes = buffer_bytes(conn->in);

	memcpy(context->read, conn->in->data + conn->in->start, bytes);
	buffer_put(&conn->in);
	conn->ops->data(conn, context->read, bytes);
}

static void flush(struct conn *conn)
{
	struct buffer *out = conn->out;
	ssize_t sent = write_some(conn, out->data + out->start, buffer_bytes(out));

	if (sent < 0) {
		conn_close(conn);
		return;
	}
	/* If it was a part, the socket stays watched until all is gone. */
	out->start += (uint32_t)sent;
	if (out->start < out->end)
		return;
	buffer_put(&conn->out);
	conn_watch(conn, EV_READ);
	if (conn->phase == CONN_ENDING)
		finish(conn);
	else if (conn->in)
		take_up(conn);
	else
		conn->ops->drained(conn);
}

/* Nothing is watched for reading from here on: an end of input stays readable for ever. */
static void on_eof(struct conn *conn)
{
	conn->eof = true;
	conn_watch(conn, conn->io.events & EV_WRITE);
	if (conn->phase == CONN_LINGERING)
		conn_close(conn);
	else
		conn->ops->eof(conn);
}

/* One read per event: no connection keeps the others waiting, and the loop calls again. */
static void receive(struct conn *conn)
{
	struct context *context = conn->context;
	ssize_t bytes =
		recv(conn->io.fd, context->read, CONTEXT_READ_BYTES, MSG_DONTWAIT);

	if (bytes < 0) {
		if (errno == EAGAIN || errno == EINTR)
			return;
		stats_add(context->stats, STAT_CONNS_BROKEN, 1);
		conn_close(conn);
		return;
	}
	if (bytes == 0) {
		on_eof(conn);
		return;
	}
	stats_add(context->stats, STAT_TCP_BYTES_IN, (uint64_t)bytes);
	if (conn->phase == CONN_OPEN)
		conn->ops->data(conn, context->read, (size_t)bytes);
}

static void on_ready(struct ev_loop *loop, ev_io *w, int revents)
{
	struct conn *conn = w->data;

	/* One of them: either may free conn, and the loop calls again. */
	if ((revents & EV_WRITE) && conn->out)
		flush(conn);
	else if (revents & EV_READ)
		receive(conn);
}

void conn_due(struct conn *conn)
{
	if (conn->phase == CONN_ENDING)
		conn_drop(conn);
	else if (conn->phase == CONN_LINGERING)
		conn_close(conn);
	else
		conn->ops->due(conn);
}

struct conn *conn_of_timer(struct wheel_entry *timer)
{
	return (struct conn *)((char *)timer - offsetof(struct conn, timer));
}

/* Linux still hands out what is in the receive queue after SHUT_RD. */
void conn_stop_reading(struct conn *conn)
{
	if (shutdown(conn->io.fd, SHUT_RD) < 0)
		conn_close(conn);
}

int conn_open(struct context *context, int fd, const struct conn_ops *ops)
{
	struct conn *conn = pool_get(context->conns);

	if (!conn)
		return -ENOMEM;
	*conn = (struct conn){ .context = context, .ops = ops };
	ev_io_init(&conn->io, on_ready, fd, EV_READ);
	conn->io.data = conn;
	ev_io_start(context->loop, &conn->io);
	LIST_INSERT_HEAD(&context->open, conn, entry);
	stats_add(context->stats, STAT_CONNS_ACCEPTED, 1);
	stats_add(context->stats, STAT_CONNS_OPEN, 1);
	ops->start(conn);
	return 0;
}
