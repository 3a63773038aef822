// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/acceptor.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/binding.h"
#include "server/conn.h"
#include "server/context.h"
#include "server/quota.h"
#include "server/session.h"
#include "server/stats.h"
#include "server/stream.h"

enum {
	BATCH = 256, /* connections per call of the loop */
	STOP_BATCHES = 16,
};

static const double RETRY_S = 0.1;

/* A full table would make the loop spin on a socket that stays readable. */
static void back_off(struct acceptor *acceptor)
{
	context_count_emfile(acceptor->context);
	ev_io_stop(acceptor->context->loop, &acceptor->io);
	ev_timer_set(&acceptor->retry, RETRY_S, 0);
	ev_timer_start(acceptor->context->loop, &acceptor->retry);
}

/* A reset costs neither side memory, and says at once what an end of input would not. */
static void refuse(struct context *context, int fd)
{
	const struct linger reset = { .l_onoff = 1 };

	stats_add(context->stats, STAT_CONNS_REFUSED, 1);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
}

static bool within_quota(struct context *context, int fd,
			 const struct sockaddr_storage *peer)
{
	switch (quota_take(context->quota, context->number, fd,
			   (const struct sockaddr *)peer)) {
	case QUOTA_TAKEN: return true;
	case QUOTA_UNCHECKED:
		stats_add(context->stats, STAT_CONNS_UNCHECKED, 1);
		return true;
	default: refuse(context, fd); return false;
	}
}

/* Accepts one. Returns whether another try makes sense now. */
static bool accept_one(struct acceptor *acceptor)
{
	struct context *context = acceptor->context;
	struct sockaddr_storage peer;
	socklen_t bytes = sizeof(peer);
	int fd = accept4(acceptor->io.fd, (struct sockaddr *)&peer, &bytes,
			 SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0) {
		if (context->quota && !within_quota(context, fd, &peer))
			return true;
		if (conn_open(context, fd, acceptor->ops) == 0)
			return true;
		if (context->quota)
			quota_give(context->quota, context->number, fd);
		close(fd);
		stats_add(context->stats, STAT_CONNS_DROPPED, 1);
		return true;
	}
	switch (errno) {
	case EAGAIN: return false;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM: back_off(acceptor); return false;
	case EINTR: return true;
	/*
	 * Mostly the connection's own, such as ECONNABORTED (accept(2)): the next one may be
	 * well.
	 */
	default: stats_add(context->stats, STAT_ACCEPT_ERRORS, 1); return true;
	}
}

/* Bounded, as connections that are open already wait meanwhile. */
static bool accept_batch(struct acceptor *acceptor)
{
	for (int i = 0; i < BATCH; i++)
		if (!accept_one(acceptor))
			return false;
	return true;
}

static void on_readable(struct ev_loop *loop, ev_io *w, int revents)
{
	accept_batch(w->data);
}

static void on_retry(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct acceptor *acceptor = w->data;

	ev_io_start(loop, &acceptor->io);
}

static const struct conn_ops *ops_of(enum listener_kind kind)
{
	switch (kind) {
	case LISTENER_ECHO: return stream_echo();
	case LISTENER_DISCARD: return stream_discard();
	default: return session_http();
	}
}

void acceptor_start(struct acceptor *acceptor, struct context *context,
		    const struct binding *binding)
{
	acceptor->context = context;
	acceptor->ops = ops_of(binding->kind);
	ev_timer_init(&acceptor->retry, on_retry, RETRY_S, 0);
	acceptor->retry.data = acceptor;
	ev_io_init(&acceptor->io, on_readable, binding->fd, EV_READ);
	acceptor->io.data = acceptor;
	ev_io_start(context->loop, &acceptor->io);
}

void acceptor_stop(struct acceptor *acceptor)
{
	int batches = STOP_BATCHES;

	while (batches-- > 0 && accept_batch(acceptor)) {
	}
	ev_timer_stop(acceptor->context->loop, &acceptor->retry);
	ev_io_stop(acceptor->context->loop, &acceptor->io);
}
