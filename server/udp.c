// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/udp.h"

#include <sys/socket.h>

#include "lib/clock.h"
#include "server/answer.h"
#include "server/batch.h"
#include "server/binding.h"
#include "server/context.h"
#include "server/meter.h"
#include "server/peer.h"
#include "server/stats.h"
#include "server/udp_feed.h"

enum {
	ROUNDS = 8, /* batches per call of the loop */
	STOP_ROUNDS = 1024,
	SAME_HOPS_MIN =
		4, /* answers that are worth a system call to set the hops of all */
	LOWEST_PORT = 1024, /* below it are services, which may answer an answer */
};

static unsigned port_of(const union socket_address *address)
{
	return ntohs(address->any.sa_family == AF_INET6 ? address->v6.sin6_port
							: address->v4.sin_port);
}

/*
 * Whether an answer to peer could come back for ever: to a service, which may answer in
 * turn, or to an echo of our own.
 */
static bool would_loop(const struct settings *settings, const union socket_address *peer)
{
	unsigned port = port_of(peer);

	if (port < LOWEST_PORT)
		return true;
	if (!(settings->echo_ports[port / 8] & (1U << port % 8)))
		return false;
	return socket_address_is_local(peer);
}

static bool is_over_limit(struct meter *meter, const struct sockaddr *address,
			  uint64_t now_ns, unsigned datagrams)
{
	struct peer peer;

	if (!meter)
		return false;
	peer_from(address, &peer);
	return !meter_take(meter, &peer, now_ns, datagrams);
}

/* Leaves the answers at the front of the batch and returns how many there are. */
static unsigned prepare_answers(struct udp *udp, unsigned received)
{
	struct batch *batch = udp->batch;
	const struct settings *settings = udp->socket.context->settings;
	struct stats *stats = udp->socket.context->stats;
	uint64_t now_ns = settings->meter ? clock_now_ns() : 0;
	unsigned answers = 0;
	uint64_t sum = 0;

	for (unsigned i = 0; i < received; i++) {
		struct mmsghdr *message = &batch->messages[i];
		struct answer answer =
			answer_prepare(&message->msg_hdr, message->msg_len);

		sum += answer.datagrams;
		if (!answer.allowed || would_loop(settings, message->msg_hdr.msg_name)) {
			stats_add(stats, STAT_UDP_REFUSED, answer.datagrams);
			continue;
		}
		if (is_over_limit(settings->meter, message->msg_hdr.msg_name, now_ns,
				  answer.datagrams)) {
			stats_add(stats, STAT_UDP_LIMITED, answer.datagrams);
			continue;
		}
		batch->hops[answers] = answer.hops;
		batch_answer(batch, answers++, i, message->msg_len, answer.datagrams);
	}
	stats_add(stats, STAT_UDP_PACKETS_IN, sum);
	return answers;
}

/*
 * Clients are often equally far away. Then the socket is told once for all of them how far an
 * answer may go, and not with each.
 */
static void leave_out_hops(struct udp *udp, unsigned answers)
{
	const int *hops = udp->batch->hops;
	unsigned same = 0;

	if (!udp->alone)
		return;
	while (same < answers && hops[same] == hops[0])
		same++;
	if (same == answers && same >= SAME_HOPS_MIN && hops[0] > 0 &&
	    hops[0] != udp->hops) {
		int err = socket_set_hops(udp->socket.fd, udp->family, hops[0]);

		udp->hops = err ? 0 : hops[0];
	}
	for (unsigned i = 0; i < answers; i++)
		if (hops[i] > 0 && hops[i] == udp->hops)
			answer_leave_out_hops(&udp->batch->messages[i].msg_hdr);
}

/*
 * While a batch was answered, more have often come: to look once more is cheaper than to
 * ask the loop (2 to 5 % of the CPU time of a busy echo). Not after a lone datagram.
 */
static bool echo(struct udp *udp)
{
	unsigned received = batch_receive(udp->batch, &udp->socket, BATCH_SLOT_BYTES, 0);
	unsigned answers = prepare_answers(udp, received);

	leave_out_hops(udp, answers);
	batch_send(udp->batch, &udp->socket, answers);
	return received > 1;
}

/* MSG_TRUNC gives the whole length without copying what nobody reads. */
static bool discard(struct udp *udp)
{
	unsigned received = batch_receive(udp->batch, &udp->socket, 0, MSG_TRUNC);

	stats_add(udp->socket.context->stats, STAT_UDP_PACKETS_IN, received);
	return received == BATCH_MESSAGES;
}

/* Returns false when the queue was emptied before the turn was over. */
static bool take_turn(struct udp *udp)
{
	for (int round = 0; round < ROUNDS; round++)
		if (!udp->serve(udp))
			return false;
	return true;
}

/*
 * A socket that the loop watches costs something for each datagram that comes (the kernel looks
 * whether the loop is to be woken: 4 to 5 % of an echo). So one whose queue is
 * never empty is not watched, but served at every turn of the loop, between all others.
 */
static void on_readable(struct ev_loop *loop, ev_io *w, int revents)
{
	struct udp *udp = w->data;

	if (!take_turn(udp))
		return;
	ev_io_stop(loop, &udp->io);
	ev_idle_start(loop, &udp->busy);
}

static void on_busy(struct ev_loop *loop, ev_idle *w, int revents)
{
	struct udp *udp = w->data;

	if (take_turn(udp))
		return;
	ev_idle_stop(loop, &udp->busy);
	ev_io_start(loop, &udp->io);
}

static bool feed(struct udp *udp)
{
	return udp_feed_serve(udp->feed);
}

static bool (*server_of(const struct binding *binding))(struct udp *)
{
	switch (binding->kind) {
	case LISTENER_ECHO: return echo;
	case LISTENER_FEED: return feed;
	default: return discard;
	}
}

int udp_start(struct udp *udp, struct context *context, struct batch *batch,
	      const struct binding *binding)
{
	udp->socket = (struct batch_socket){
		.fd = binding->fd,
		.fragments = binding->kind == LISTENER_ECHO && binding->family == AF_INET,
		.context = context,
	};
	udp->batch = batch;
	udp->family = binding->family;
	udp->alone = binding->alone;
	udp->serve = server_of(binding);
	if (binding->kind == LISTENER_FEED) {
		int err = udp_feed_open(&udp->feed, context, batch, &udp->socket);

		if (err)
			return err;
	}
	ev_io_init(&udp->io, on_readable, binding->fd, EV_READ);
	udp->io.data = udp;
	ev_io_start(context->loop, &udp->io);
	ev_idle_init(&udp->busy, on_busy);
	/* Idle watchers of a lower priority wait until nothing else happens. */
	ev_set_priority(&udp->busy, EV_MAXPRI);
	udp->busy.data = udp;
	return 0;
}

void udp_stop(struct udp *udp)
{
	for (int round = 0; round < STOP_ROUNDS && udp->serve(udp); round++) {
	}
	udp_feed_close(udp->feed);
	udp->feed = NULL;
	ev_io_stop(udp->socket.context->loop, &udp->io);
	ev_idle_stop(udp->socket.context->loop, &udp->busy);
}
