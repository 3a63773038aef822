// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/router.h"

#include <errno.h>
#include <ev.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "lib/log.h"
#include "server/context.h"
#include "server/message.h"
#include "server/presence.h"
#include "server/publish.h"
#include "server/stats.h"

enum {
	BATCH = 64,      /* datagrams per call of the loop */
	STOP_MAX = 4096, /* that may wait at the end; the kernel's queue is shorter */
};

/* A channel that is full for so long belongs to a worker that hangs. */
static const double STALL_S = 1;

/* How often a router asks whether the one of a ctserve that was before has ended. */
static const double TURN_S = 0.01;

struct router {
	struct context *context;
	const struct publish *publish;
	unsigned workers;
	ev_io publishers;
	ev_io outlet;   /* the channel that is full */
	ev_timer stall; /* how long it may be */
	ev_timer turn;  /* until it is ours to read */
	bool holding;   /* message has not reached all its workers */
	bool stopping;  /* waits for none */
	unsigned next;  /* worker that it has not reached */
	struct message message;
	char datagram[MESSAGE_DATAGRAM_MAX];
	bool stalled[]; /* worker did not take anything for STALL_S, and has not since */
};

static void count(const struct router *router, enum stats_counter counter)
{
	stats_add(router->context->stats, counter, 1);
}

static bool may_have(const struct router *router, unsigned worker)
{
	return router->message.all || presence_may(publish_presence(router->publish),
						   worker, router->message.hash);
}

/* Reads no more until the channel of a worker has room, or the worker has had its time. */
static void wait_for(struct router *router, unsigned worker)
{
	struct ev_loop *loop = router->context->loop;

	ev_io_stop(loop, &router->publishers);
	ev_io_set(&router->outlet, publish_outlet(router->publish, worker), EV_WRITE);
	ev_io_start(loop, &router->outlet);
	ev_timer_set(&router->stall, STALL_S, 0);
	ev_timer_start(loop, &router->stall);
}

/* Returns false if the message has to wait for the worker. */
static bool pass_on(struct router *router, unsigned worker)
{
	ssize_t sent = send(publish_outlet(router->publish, worker), &router->message,
			    message_bytes(&router->message), MSG_DONTWAIT | MSG_NOSIGNAL);

	if (sent >= 0) {
		router->stalled[worker] = false;
		return true;
	}
	if (errno == EAGAIN && !router->stalled[worker] && !router->stopping)
		return false;
	count(router, STAT_MESSAGES_STALLED);
	return true;
}

/* Brings the message to the workers that it has not reached; waits where there is no room. */
static void distribute(struct router *router)
{
	for (; router->next < router->workers; router->next++) {
		if (may_have(router, router->next) && !pass_on(router, router->next)) {
			wait_for(router, router->next);
			return;
		}
	}
	router->holding = false;
}

static void begin(struct router *router)
{
	struct message *message = &router->message;
	unsigned candidates = 0;

	message->hash = publish_hash(router->publish, message->data, message->id_bytes);
	for (unsigned worker = 0; worker < router->workers; worker++)
		candidates += may_have(router, worker);
	message->sole = candidates == 1 && !message->all;
	if (candidates == 0) {
		count(router, STAT_MESSAGES_UNHEARD);
		return;
	}
	router->holding = true;
	router->next = 0;
	distribute(router);
}

/* Reads one datagram and routes it. Returns false if there is none. */
static bool take(struct router *router)
{
	ssize_t bytes = recv(router->publishers.fd, router->datagram,
			     sizeof(router->datagram), MSG_DONTWAIT | MSG_TRUNC);

	if (bytes < 0)
		return false;
	count(router, STAT_MESSAGES_IN);
	/* MSG_TRUNC: how long it was, not how much was read of it. */
	if ((size_t)bytes > sizeof(router->datagram) ||
	    message_parse(router->datagram, (size_t)bytes, &router->message) < 0)
		count(router, STAT_MESSAGES_REFUSED);
	else
		begin(router);
	return true;
}

static void on_published(struct ev_loop *loop, ev_io *w, int revents)
{
	struct router *router = w->data;

	for (int i = 0; i < BATCH && !router->holding && take(router); i++) {
	}
}

/* Goes on with the message that had to wait, and with those behind it. */
static void resume(struct router *router)
{
	struct ev_loop *loop = router->context->loop;

	ev_io_stop(loop, &router->outlet);
	ev_timer_stop(loop, &router->stall);
	distribute(router);
	if (!router->holding && !router->stopping)
		ev_io_start(loop, &router->publishers);
}

static void on_room(struct ev_loop *loop, ev_io *w, int revents)
{
	resume(w->data);
}

static void on_stall(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct router *router = w->data;

	router->stalled[router->next] = true;
	log_warn(router->context->log,
		 "worker number %u takes no messages: they are not kept for it until it "
		 "does, and counted as messages_stalled",
		 router->next);
	resume(router);
}

static void on_turn(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct router *router = w->data;

	if (publish_take_turn(router->publish) == -EAGAIN)
		return;
	ev_timer_stop(loop, w);
	ev_io_start(loop, &router->publishers);
}

int router_open(struct router **out, struct context *context,
		const struct publish *publish)
{
	unsigned workers = publish_workers(publish);
	struct router *router = calloc(1, sizeof(*router) + workers * sizeof(bool));

	if (!router)
		return -ENOMEM;
	router->context = context;
	router->publish = publish;
	router->workers = workers;
	ev_io_init(&router->publishers, on_published, publish_socket(publish), EV_READ);
	ev_io_init(&router->outlet, on_room, -1, EV_WRITE);
	ev_timer_init(&router->stall, on_stall, 0, 0);
	ev_timer_init(&router->turn, on_turn, 0, TURN_S);
	router->publishers.data = router->outlet.data = router->stall.data = router;
	router->turn.data = router;
	ev_timer_start(context->loop, &router->turn);
	*out = router;
	return 0;
}

void router_stop(struct router *router)
{
	struct ev_loop *loop = router->context->loop;
	bool reads = !ev_is_active(&router->turn);

	router->stopping = true;
	ev_timer_stop(loop, &router->turn);
	ev_io_stop(loop, &router->publishers);
	if (router->holding)
		resume(router);
	for (int i = 0; i < STOP_MAX && reads && take(router); i++) {
	}
	publish_end_turn(router->publish);
}

void router_close(struct router *router)
{
	struct ev_loop *loop;

	if (!router)
		return;
	loop = router->context->loop;
	ev_io_stop(loop, &router->publishers);
	ev_io_stop(loop, &router->outlet);
	ev_timer_stop(loop, &router->stall);
	ev_timer_stop(loop, &router->turn);
	free(router);
}
