// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/udp.h"

#include <errno.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "server/answer.h"
#include "server/binding.h"
#include "server/context.h"
#include "server/socket.h"
#include "server/stats.h"

enum {
	BATCH = 64, /* datagrams a system call */
	ROUNDS = 8, /* batches per call of the loop */
	STOP_ROUNDS = 1024,
	DATAGRAM_BYTES = 65536,
	/* Slots a power of two apart would all compete for the same lines of the cache. */
	SLOT_BYTES = DATAGRAM_BYTES + 64,
	LOWEST_PORT = 1024, /* below it are services, which may answer an answer */
};

struct control {
	alignas(struct cmsghdr) char bytes[ANSWER_CONTROL_BYTES];
};

struct udp_batch {
	struct mmsghdr messages[BATCH];
	struct iovec parts[BATCH];
	union socket_address peers[BATCH];
	struct control controls[BATCH];
	unsigned datagrams[BATCH]; /* of each answer: more than one is a burst */
	unsigned dirty;            /* how many messages at the front were used, */
	size_t bytes;              /* and how large the parts are for the next */
	char *slots;               /* touched only as far as datagrams are long */
};

int udp_batch_open(struct udp_batch **out)
{
	struct udp_batch *batch = calloc(1, sizeof(*batch));

	if (!batch)
		return -ENOMEM;
	batch->slots = mmap(NULL, (size_t)BATCH * SLOT_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (batch->slots == MAP_FAILED) {
		int err = -errno;

		free(batch);
		return err;
	}
	*out = batch;
	return 0;
}

void udp_batch_close(struct udp_batch *batch)
{
	if (!batch)
		return;
	munmap(batch->slots, (size_t)BATCH * SLOT_BYTES);
	free(batch);
}

/* Answering changes what it used of the batch in place; that much is prepared anew. */
static void reset(struct udp_batch *batch, size_t bytes)
{
	unsigned count = bytes == batch->bytes ? batch->dirty : BATCH;

	for (size_t i = 0; i < count; i++) {
		batch->parts[i] = (struct iovec){
			.iov_base = batch->slots + i * SLOT_BYTES,
			.iov_len = bytes,
		};
		batch->messages[i].msg_hdr = (struct msghdr){
			.msg_name = &batch->peers[i],
			.msg_namelen = sizeof(batch->peers[i]),
			.msg_iov = &batch->parts[i],
			.msg_iovlen = 1,
			.msg_control = &batch->controls[i],
			.msg_controllen = sizeof(batch->controls[i]),
		};
	}
	batch->bytes = bytes;
	batch->dirty = 0;
}

/* Receives up to a batch. Returns how many messages, each a datagram or a burst of them. */
static unsigned receive(struct udp *udp, size_t bytes, int flags)
{
	struct udp_batch *batch = udp->batch;
	uint64_t sum = 0;
	int n;

	reset(batch, bytes);
	n = recvmmsg(udp->io.fd, batch->messages, BATCH, MSG_DONTWAIT | flags, NULL);
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			stats_add(udp->context->stats, STAT_UDP_ERRORS, 1);
		return 0;
	}
	batch->dirty = (unsigned)n;
	for (int i = 0; i < n; i++)
		sum += batch->messages[i].msg_len;
	stats_add(udp->context->stats, STAT_UDP_BYTES_IN, sum);
	return (unsigned)n;
}

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

/* Leaves the answers at the front of the batch and returns how many there are. */
static unsigned prepare_answers(struct udp *udp, unsigned received)
{
	struct udp_batch *batch = udp->batch;
	struct stats *stats = udp->context->stats;
	unsigned answers = 0;
	uint64_t sum = 0;

	for (unsigned i = 0; i < received; i++) {
		struct mmsghdr *message = &batch->messages[i];
		struct answer answer =
			answer_prepare(&message->msg_hdr, message->msg_len);

		sum += answer.datagrams;
		if (!answer.allowed ||
		    would_loop(udp->context->settings, message->msg_hdr.msg_name)) {
			stats_add(stats, STAT_UDP_REFUSED, answer.datagrams);
			continue;
		}
		message->msg_hdr.msg_iov->iov_len = message->msg_len;
		message->msg_hdr.msg_flags = 0;
		batch->datagrams[answers] = answer.datagrams;
		if (answers != i)
			batch->messages[answers] = *message;
		answers++;
	}
	stats_add(stats, STAT_UDP_PACKETS_IN, sum);
	return answers;
}

static void count_sent(struct udp *udp, unsigned first, unsigned n)
{
	const struct udp_batch *batch = udp->batch;
	uint64_t bytes = 0, datagrams = 0;

	for (unsigned i = first; i < first + n; i++) {
		bytes += batch->messages[i].msg_len;
		datagrams += batch->datagrams[i];
	}
	stats_add(udp->context->stats, STAT_UDP_PACKETS_OUT, datagrams);
	stats_add(udp->context->stats, STAT_UDP_BYTES_OUT, bytes);
}

static uint64_t count_datagrams(const struct udp *udp, unsigned first, unsigned end)
{
	uint64_t sum = 0;

	for (unsigned i = first; i < end; i++)
		sum += udp->batch->datagrams[i];
	return sum;
}

static void count_lost(struct udp *udp, int err, uint64_t datagrams)
{
	if (err == EPERM)
		context_count_eperm(udp->context);
	else
		stats_add(udp->context->stats, STAT_SENDS_DROPPED, datagrams);
}

/* In fragments, if the way back is too narrow. Only IPv4 needs to be told (binding.c). */
static void send_one(struct udp *udp, const struct msghdr *message)
{
	ssize_t n = sendmsg(udp->io.fd, message, MSG_DONTWAIT);

	if (n < 0 && errno == EMSGSIZE && udp->fragments) {
		socket_set_fragments(udp->io.fd, true);
		n = sendmsg(udp->io.fd, message, MSG_DONTWAIT);
		socket_set_fragments(udp->io.fd, false);
	}
	if (n < 0) {
		count_lost(udp, errno, 1);
		return;
	}
	stats_add(udp->context->stats, STAT_UDP_PACKETS_OUT, 1);
	stats_add(udp->context->stats, STAT_UDP_BYTES_OUT, (uint64_t)n);
}

/*
 * Sends a burst that the kernel does not cut up, as when its datagrams fit the way here but
 * not the way back, one by one.
 */
static void send_apart(struct udp *udp, struct mmsghdr *burst, size_t segment_bytes)
{
	struct msghdr *message = &burst->msg_hdr;
	char *bytes = message->msg_iov->iov_base;

	answer_unburst(message);
	stats_add(udp->context->stats, STAT_UDP_BURSTS_SPLIT, 1);
	for (size_t at = 0; at < burst->msg_len; at += segment_bytes) {
		size_t left = burst->msg_len - at;

		message->msg_iov->iov_base = bytes + at;
		message->msg_iov->iov_len = left < segment_bytes ? left : segment_bytes;
		send_one(udp, message);
	}
}

/*
 * The first message could not be sent with the others. Returns how many to give up: that
 * one, or all that are left when the socket takes no more (waiting would make others late).
 */
static unsigned give_up(struct udp *udp, int err, unsigned first, unsigned end)
{
	unsigned count = err == EAGAIN || err == ENOBUFS ? end - first : 1;
	struct mmsghdr *message = &udp->batch->messages[first];
	size_t segment_bytes;

	if (err == EINTR)
		return 0;
	if ((err == EINVAL || err == EMSGSIZE || err == EIO) &&
	    answer_is_burst(&message->msg_hdr, &segment_bytes))
		send_apart(udp, message, segment_bytes);
	else if (err == EMSGSIZE)
		send_one(udp, &message->msg_hdr);
	else
		count_lost(udp, err, count_datagrams(udp, first, first + count));
	return count;
}

/* sendmmsg() stops at the first message that fails, and says why only on the next call. */
static void send_all(struct udp *udp, unsigned count)
{
	struct mmsghdr *messages = udp->batch->messages;

	for (unsigned done = 0; done < count;) {
		int n = sendmmsg(udp->io.fd, messages + done, count - done, MSG_DONTWAIT);

		if (n < 0) {
			done += give_up(udp, errno, done, count);
			continue;
		}
		count_sent(udp, done, (unsigned)n);
		done += (unsigned)n;
		if (done < count)
			stats_add(udp->context->stats, STAT_SENDS_SHORT, 1);
	}
}

static bool echo(struct udp *udp)
{
	unsigned received = receive(udp, DATAGRAM_BYTES, 0);

	send_all(udp, prepare_answers(udp, received));
	return received == BATCH;
}

/* MSG_TRUNC gives the whole length without copying what nobody reads. */
static bool discard(struct udp *udp)
{
	unsigned received = receive(udp, 0, MSG_TRUNC);

	stats_add(udp->context->stats, STAT_UDP_PACKETS_IN, received);
	return received == BATCH;
}

static void on_readable(struct ev_loop *loop, ev_io *w, int revents)
{
	struct udp *udp = w->data;

	for (int round = 0; round < ROUNDS && udp->serve(udp); round++) {
	}
}

void udp_start(struct udp *udp, struct context *context, struct udp_batch *batch,
	       const struct binding *binding)
{
	udp->context = context;
	udp->batch = batch;
	udp->fragments = binding->family == AF_INET;
	udp->serve = binding->kind == LISTENER_ECHO ? echo : discard;
	ev_io_init(&udp->io, on_readable, binding->fd, EV_READ);
	udp->io.data = udp;
	ev_io_start(context->loop, &udp->io);
}

void udp_stop(struct udp *udp)
{
	for (int round = 0; round < STOP_ROUNDS && udp->serve(udp); round++) {
	}
	ev_io_stop(udp->context->loop, &udp->io);
}
