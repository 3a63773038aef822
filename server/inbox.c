// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/inbox.h"

#include <errno.h>
#include <ev.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "server/context.h"
#include "server/message.h"
#include "server/roster.h"
#include "server/stats.h"
#include "server/subscriber.h"

enum {
	BATCH = 64,      /* messages per call of the loop */
	SLICE = 1024,    /* feeds that are looked at for one of them per call */
	STOP_MAX = 4096, /* messages that may wait at the end; a channel holds less */
};

struct inbox {
	struct context *context;
	ev_io channel;
	ev_timer more; /* at once, but after others had their turn */
	bool busy;     /* not all feeds have got message */
	unsigned heard;
	struct message message;
};

static void begin(struct inbox *inbox)
{
	inbox->busy = true;
	inbox->heard = 0;
	if (inbox->message.all)
		roster_scan_all(inbox->context->roster);
	else
		roster_scan(inbox->context->roster, inbox->message.hash);
}

static void finish(struct inbox *inbox)
{
	inbox->busy = false;
	/* The router could not tell: another ID shares the slot of this one. */
	if (inbox->heard == 0 && inbox->message.sole)
		stats_add(inbox->context->stats, STAT_MESSAGES_UNHEARD, 1);
}

/* Gives the message to some of its feeds. */
static void give_slice(struct inbox *inbox)
{
	const struct message *message = &inbox->message;

	for (int i = 0; i < SLICE; i++) {
		struct roster_entry *entry = roster_next(inbox->context->roster);
		struct conn *conn;

		if (!entry) {
			finish(inbox);
			return;
		}
		conn = subscriber_of(entry);
		if (!subscriber_wants(conn, message))
			continue;
		inbox->heard++;
		subscriber_give(conn, message->data + message->id_bytes,
				message->text_bytes);
	}
}

/* Reads one message. Returns false if there is none. */
static bool take(struct inbox *inbox)
{
	return recv(inbox->channel.fd, &inbox->message, sizeof(inbox->message),
		    MSG_DONTWAIT) > 0;
}

static void on_message(struct ev_loop *loop, ev_io *w, int revents)
{
	struct inbox *inbox = w->data;

	for (int i = 0; i < BATCH && !inbox->busy && take(inbox); i++) {
		begin(inbox);
		give_slice(inbox);
	}
	if (!inbox->busy)
		return;
	/* The others wait in the channel, and the router for room in it. */
	ev_io_stop(loop, &inbox->channel);
	ev_timer_start(loop, &inbox->more);
}

static void on_more(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct inbox *inbox = w->data;

	give_slice(inbox);
	if (inbox->busy)
		ev_timer_start(loop, &inbox->more);
	else
		ev_io_start(loop, &inbox->channel);
}

int inbox_open(struct inbox **out, struct context *context, int channel)
{
	struct inbox *inbox = calloc(1, sizeof(*inbox));

	if (!inbox)
		return -ENOMEM;
	inbox->context = context;
	ev_io_init(&inbox->channel, on_message, channel, EV_READ);
	ev_timer_init(&inbox->more, on_more, 0, 0);
	inbox->channel.data = inbox->more.data = inbox;
	ev_io_start(context->loop, &inbox->channel);
	*out = inbox;
	return 0;
}

void inbox_stop(struct inbox *inbox)
{
	for (int i = 0; i < STOP_MAX; i++) {
		while (inbox->busy)
			give_slice(inbox);
		if (!take(inbox))
			return;
		begin(inbox);
	}
}

void inbox_close(struct inbox *inbox)
{
	if (!inbox)
		return;
	ev_io_stop(inbox->context->loop, &inbox->channel);
	ev_timer_stop(inbox->context->loop, &inbox->more);
	free(inbox);
}
