// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/udp_feed.h"

#include <assert.h>
#include <errno.h>
#include <ev.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "server/answer.h"
#include "server/batch.h"
#include "server/context.h"
#include "server/cookie.h"
#include "server/feed.h"
#include "server/frame.h"
#include "server/meter.h"
#include "server/peer.h"
#include "server/quota.h"
#include "server/seats.h"
#include "server/stats.h"
#include "server/subscribers.h"

enum {
	TURN_BATCHES = 64, /* per tick, so that sockets get their share */
};

struct udp_feed {
	struct context *context;
	struct batch *batch;
	const struct batch_socket *socket;
	struct subscribers *subscribers;
	ev_timer turn; /* runs while there are subscribers */
	struct feed_line line;
};

static size_t answer_frame(enum frame_kind kind, uint64_t cookie, char *text)
{
	const struct frame frame = { .kind = kind, .cookie = cookie };

	return frame_format(&frame, text);
}

/* What was received is untrusted; what is kept of it fits. */
static void keep_way(struct subscriber *subscriber, const struct msghdr *message)
{
	size_t bytes = message->msg_controllen;

	subscriber->way_bytes = bytes <= sizeof(subscriber->way) ? bytes : 0;
	memcpy(subscriber->way, message->msg_control, subscriber->way_bytes);
}

/* Returns a seat, or -ENOSPC if there is none, or its source may not have another. */
static int take_seat(struct context *context, const struct sockaddr *address)
{
	int seat = seats_take(context->seats);
	enum quota_verdict verdict = QUOTA_TAKEN;

	if (seat >= 0 && context->udp_quota)
		verdict = quota_take(context->udp_quota, context->number, seat, address);
	if (verdict == QUOTA_UNCHECKED)
		stats_add(context->stats, STAT_SUBSCRIPTIONS_UNCHECKED, 1);
	if (verdict != QUOTA_REFUSED)
		return seat;
	seats_give(context->seats, seat);
	return -ENOSPC;
}

static void give_seat(struct context *context, int seat)
{
	if (context->udp_quota)
		quota_give(context->udp_quota, context->number, seat);
	seats_give(context->seats, seat);
}

static void forget(struct udp_feed *feed, struct subscriber *subscriber)
{
	give_seat(feed->context, subscriber->seat);
	subscribers_remove(feed->subscribers, subscriber);
	stats_drop(feed->context->stats, STAT_SUBSCRIBERS, 1);
	if (subscribers_count(feed->subscribers) == 0)
		ev_timer_stop(feed->context->loop, &feed->turn);
}

static struct subscriber *add(struct udp_feed *feed, const struct peer *peer,
			      const struct sockaddr *address, uint64_t now_ns)
{
	struct subscriber *subscriber = NULL;
	int seat = take_seat(feed->context, address);

	if (seat >= 0)
		subscriber = subscribers_add(feed->subscribers, peer, now_ns);
	if (!subscriber) {
		if (seat >= 0)
			give_seat(feed->context, seat);
		stats_add(feed->context->stats, STAT_SUBSCRIPTIONS_REFUSED, 1);
		return NULL;
	}
	subscriber->seat = seat;
	stats_add(feed->context->stats, STAT_SUBSCRIBERS, 1);
	if (!ev_is_active(&feed->turn))
		ev_timer_again(feed->context->loop, &feed->turn);
	return subscriber;
}

/* A renewal is not answered: the chunks go on. Another id is another feed. */
static size_t subscribe(struct udp_feed *feed, const struct peer *peer,
			const struct frame *frame, const struct msghdr *message,
			uint64_t now_ns)
{
	struct subscriber *subscriber = subscribers_find(feed->subscribers, peer);
	bool fresh = !subscriber || strcmp(subscriber->id, frame->id) != 0;
	char *text = message->msg_iov->iov_base;

	if (!subscriber)
		subscriber = add(feed, peer, message->msg_name, now_ns);
	if (!subscriber)
		return answer_frame(FRAME_REFUSED, 0, text);
	subscribers_lease(feed->subscribers, subscriber, now_ns,
			  now_ns + frame->lease_s * (uint64_t)CLOCK_NS_PER_S);
	keep_way(subscriber, message);
	if (!fresh)
		return 0;
	stats_add(feed->context->stats, STAT_SUBSCRIPTIONS, 1);
	subscriber->number = 0;
	memcpy(subscriber->id, frame->id, sizeof(subscriber->id));
	return feed_welcome(text, FEED_PLAIN, subscriber->id);
}

static size_t offer_cookie(struct udp_feed *feed, const struct peer *peer, char *text,
			   uint64_t now_ns)
{
	uint64_t cookie = cookie_make(&feed->context->settings->cookie_key, peer, now_ns);

	stats_add(feed->context->stats, STAT_COOKIES_SENT, 1);
	return answer_frame(FRAME_COOKIE, cookie, text);
}

static size_t bad_frame(struct udp_feed *feed)
{
	stats_add(feed->context->stats, STAT_FRAMES_BAD, 1);
	return 0;
}

/*
 * Acts on what peer sent and writes the answer over it. Returns its bytes; 0: none. Whoever has
 * not returned its cookie gets less than it sent.
 */
static size_t act(struct udp_feed *feed, const struct peer *peer,
		  const struct mmsghdr *message, uint64_t now_ns)
{
	char *text = message->msg_hdr.msg_iov->iov_base;
	struct subscriber *subscriber;
	struct frame frame;
	bool proved;

	if (message->msg_hdr.msg_flags & MSG_TRUNC ||
	    frame_parse(text, message->msg_len, &frame) < 0)
		return bad_frame(feed);
	proved = cookie_holds(&feed->context->settings->cookie_key, peer, now_ns,
			      frame.cookie);
	switch (frame.kind) {
	case FRAME_HELLO: return offer_cookie(feed, peer, text, now_ns);
	case FRAME_SUBSCRIBE:
		if (!proved)
			return offer_cookie(feed, peer, text, now_ns);
		return subscribe(feed, peer, &frame, &message->msg_hdr, now_ns);
	case FRAME_CANCEL:
		subscriber = subscribers_find(feed->subscribers, peer);
		if (proved && subscriber)
			forget(feed, subscriber);
		return 0;
	default: return bad_frame(feed);
	}
}

/* Answers one message in its place. Returns the bytes of the answer; 0: none. */
static size_t answer(struct udp_feed *feed, struct mmsghdr *message, uint64_t now_ns)
{
	struct context *context = feed->context;
	struct peer peer;

	/* Makes the control messages those of an answer: what keep_way() keeps. */
	if (!answer_prepare(&message->msg_hdr, message->msg_len).allowed) {
		stats_add(context->stats, STAT_UDP_REFUSED, 1);
		return 0;
	}
	peer_from(message->msg_hdr.msg_name, &peer);
	if (context->settings->meter &&
	    !meter_take(context->settings->meter, &peer, now_ns, 1)) {
		stats_add(context->stats, STAT_UDP_LIMITED, 1);
		return 0;
	}
	return act(feed, &peer, message, now_ns);
}

bool udp_feed_serve(struct udp_feed *feed)
{
	struct batch *batch = feed->batch;
	unsigned received = batch_receive(batch, feed->socket, FRAME_TEXT_MAX, 0);
	uint64_t now_ns = clock_now_ns();
	unsigned answers = 0;

	stats_add(feed->context->stats, STAT_UDP_PACKETS_IN, received);
	for (unsigned i = 0; i < received; i++) {
		size_t bytes = answer(feed, &batch->messages[i], now_ns);

		if (bytes > 0)
			batch_answer(batch, answers++, i, bytes, 1);
	}
	batch_send(batch, feed->socket, answers);
	return received == BATCH_MESSAGES;
}

/* Writes the next line for a subscriber, or that its lease is over. */
static void write_line(struct udp_feed *feed, unsigned i, struct subscriber *subscriber,
		       bool end)
{
	char *text = batch_compose(feed->batch, i, &subscriber->peer, subscriber->way,
				   subscriber->way_bytes);
	size_t bytes;

	if (end) {
		bytes = answer_frame(FRAME_END, 0, text);
	} else {
		bytes = feed_chunk(&feed->line, FEED_PLAIN, ++subscriber->number,
				   subscriber->id);
		memcpy(text, feed->line.text, bytes);
	}
	batch_composed(feed->batch, i, bytes);
}

/* Fills a batch with those that are due and sends it. Returns whether it was full. */
static bool send_due(struct udp_feed *feed, uint64_t now_ns)
{
	struct stats *stats = feed->context->stats;
	unsigned count = 0, chunks = 0;
	struct subscriber *subscriber;
	uint64_t sent;

	while (count < BATCH_MESSAGES &&
	       (subscriber = subscribers_due(feed->subscribers, now_ns))) {
		bool end = now_ns >= subscriber->expires_ns;

		write_line(feed, count++, subscriber, end);
		if (end) {
			forget(feed, subscriber);
		} else {
			subscribers_again(feed->subscribers, subscriber, now_ns);
			chunks++;
		}
	}
	sent = batch_send(feed->batch, feed->socket, count);
	/* It counts the ends of leases, too; which of them all were lost is not known. */
	sent = sent < chunks ? sent : chunks;
	stats_add(stats, STAT_CHUNKS_SENT, sent);
	stats_add(stats, STAT_CHUNKS_LOST, chunks - sent);
	return count == BATCH_MESSAGES;
}

static void on_turn(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct udp_feed *feed = w->data;
	uint64_t now_ns = clock_now_ns();

	for (int i = 0; i < TURN_BATCHES && send_due(feed, now_ns); i++) {
	}
}

int udp_feed_open(struct udp_feed **out, struct context *context, struct batch *batch,
		  const struct batch_socket *socket)
{
	const struct wheel *wheel = &context->wheel;
	struct udp_feed *feed = calloc(1, sizeof(*feed));
	int err;

	if (!feed)
		return -ENOMEM;
	feed->context = context;
	feed->batch = batch;
	feed->socket = socket;
	err = subscribers_open(&feed->subscribers, &context->settings->cookie_key,
			       context->interval_ns, wheel->tick_ns);
	if (err) {
		free(feed);
		return err;
	}
	ev_timer_init(&feed->turn, on_turn, 0, (double)wheel->tick_ns / CLOCK_NS_PER_S);
	feed->turn.data = feed;
	*out = feed;
	return 0;
}

/* Bounded: every batch forgets as many as it tells. */
static void end_all(struct udp_feed *feed)
{
	struct subscriber *subscriber;

	do {
		unsigned count = 0;

		while (count < BATCH_MESSAGES &&
		       (subscriber = subscribers_any(feed->subscribers))) {
			write_line(feed, count++, subscriber, true);
			forget(feed, subscriber);
		}
		batch_send(feed->batch, feed->socket, count);
	} while (subscribers_count(feed->subscribers) > 0);
}

void udp_feed_close(struct udp_feed *feed)
{
	if (!feed)
		return;
	end_all(feed);
	ev_timer_stop(feed->context->loop, &feed->turn);
	subscribers_close(feed->subscribers);
	free(feed);
}
