// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/udp.h"

#include <errno.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

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
	CONTROL_BYTES = CMSG_SPACE(sizeof(struct in6_pktinfo)),
	LOWEST_PORT = 1024, /* below it are services, which may answer an answer */
};

struct control {
	alignas(struct cmsghdr) char bytes[CONTROL_BYTES];
};

struct udp_batch {
	struct mmsghdr messages[BATCH];
	struct iovec parts[BATCH];
	union socket_address peers[BATCH];
	struct control controls[BATCH];
	char *slots; /* touched only as far as datagrams are long */
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

/* Answering changes the batch in place, so each round prepares it anew. */
static void reset(struct udp_batch *batch, size_t bytes)
{
	for (size_t i = 0; i < BATCH; i++) {
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
}

/* Receives up to a batch. Returns how many; 0 when there is none. */
static unsigned receive(struct udp *udp, size_t bytes, int flags)
{
	struct udp_batch *batch = udp->batch;
	struct stats *stats = udp->context->stats;
	uint64_t sum = 0;
	int n;

	reset(batch, bytes);
	n = recvmmsg(udp->io.fd, batch->messages, BATCH, MSG_DONTWAIT | flags, NULL);
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			stats_add(stats, STAT_UDP_ERRORS, 1);
		return 0;
	}
	for (int i = 0; i < n; i++)
		sum += batch->messages[i].msg_len;
	stats_add(stats, STAT_UDP_PACKETS_IN, (unsigned)n);
	stats_add(stats, STAT_UDP_BYTES_IN, sum);
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

/* What came with a datagram that was sent to a group or to everyone must not be answered. */
static bool prepare_v4(struct in_pktinfo *info)
{
	if (info->ipi_addr.s_addr != info->ipi_spec_dst.s_addr)
		return false;
	info->ipi_ifindex = 0; /* the way back is the routing table's choice */
	return true;
}

static bool prepare_v6(struct in6_pktinfo *info)
{
	if (IN6_IS_ADDR_MULTICAST(&info->ipi6_addr))
		return false;
	if (!IN6_IS_ADDR_LINKLOCAL(&info->ipi6_addr))
		info->ipi6_ifindex = 0;
	return true;
}

/*
 * Turns the "sent to" of a datagram into the "sent from" of its answer, in place: the
 * kernel reads the same control message that it wrote. Returns false if there must be no
 * answer.
 */
static bool prepare_source(struct msghdr *message)
{
	struct cmsghdr *control = CMSG_FIRSTHDR(message);

	if (!control)
		return true;
	if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO)
		return prepare_v4((struct in_pktinfo *)CMSG_DATA(control));
	if (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_PKTINFO)
		return prepare_v6((struct in6_pktinfo *)CMSG_DATA(control));
	message->msg_control = NULL;
	message->msg_controllen = 0;
	return true;
}

/* Leaves the answers at the front of the batch and returns how many there are. */
static unsigned prepare_answers(struct udp *udp, unsigned received)
{
	struct mmsghdr *messages = udp->batch->messages;
	unsigned answers = 0;

	for (unsigned i = 0; i < received; i++) {
		struct msghdr *message = &messages[i].msg_hdr;

		if (would_loop(udp->context->settings, message->msg_name) ||
		    !prepare_source(message)) {
			stats_add(udp->context->stats, STAT_UDP_REFUSED, 1);
			continue;
		}
		message->msg_iov->iov_len = messages[i].msg_len;
		message->msg_flags = 0;
		if (answers != i)
			messages[answers] = messages[i];
		answers++;
	}
	return answers;
}

static void count_sent(struct udp *udp, const struct mmsghdr *messages, unsigned n)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < n; i++)
		sum += messages[i].msg_len;
	stats_add(udp->context->stats, STAT_UDP_PACKETS_OUT, n);
	stats_add(udp->context->stats, STAT_UDP_BYTES_OUT, sum);
}

/*
 * The first message could not be sent. Returns how many to give up: that one, or all
 * that are left when the socket takes no more (waiting would make others late).
 */
static unsigned give_up(struct udp *udp, int err, unsigned left)
{
	unsigned lost = err == EAGAIN || err == ENOBUFS ? left : 1;

	if (err == EINTR)
		return 0;
	if (err == EPERM)
		context_count_eperm(udp->context);
	else
		stats_add(udp->context->stats, STAT_SENDS_DROPPED, lost);
	return lost;
}

/* sendmmsg() stops at the first message that fails, and says why only on the next call. */
static void send_all(struct udp *udp, unsigned count)
{
	struct mmsghdr *messages = udp->batch->messages;

	for (unsigned done = 0; done < count;) {
		int n = sendmmsg(udp->io.fd, messages + done, count - done, MSG_DONTWAIT);

		if (n < 0) {
			done += give_up(udp, errno, count - done);
			continue;
		}
		count_sent(udp, messages + done, (unsigned)n);
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
	return receive(udp, 0, MSG_TRUNC) == BATCH;
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
