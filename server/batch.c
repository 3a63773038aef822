// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/batch.h"

#include <assert.h>
#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "server/context.h"
#include "server/peer.h"
#include "server/socket.h"
#include "server/stats.h"

enum {
	/* Slots a power of two apart would all compete for the same lines of the cache. */
	SLOT_BYTES = BATCH_SLOT_BYTES + 64,
};

int batch_open(struct batch **out)
{
	struct batch *batch = calloc(1, sizeof(*batch));

	if (!batch)
		return -ENOMEM;
	batch->slots =
		mmap(NULL, (size_t)BATCH_MESSAGES * SLOT_BYTES, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (batch->slots == MAP_FAILED) {
		int err = -errno;

		free(batch);
		return err;
	}
	*out = batch;
	return 0;
}

void batch_close(struct batch *batch)
{
	if (!batch)
		return;
	munmap(batch->slots, (size_t)BATCH_MESSAGES * SLOT_BYTES);
	free(batch);
}

/* Answering changes what it used of the batch in place; that much is prepared anew. */
static void reset(struct batch *batch, size_t bytes)
{
	unsigned count = bytes == batch->bytes ? batch->dirty : BATCH_MESSAGES;

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
unsigned batch_receive(struct batch *batch, const struct batch_socket *from, size_t bytes,
		       int flags)
{
	uint64_t sum = 0;
	int n;

	reset(batch, bytes);
	n = recvmmsg(from->fd, batch->messages, BATCH_MESSAGES, MSG_DONTWAIT | flags,
		     NULL);
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			stats_add(from->context->stats, STAT_UDP_ERRORS, 1);
		return 0;
	}
	batch->dirty = (unsigned)n;
	for (int i = 0; i < n; i++)
		sum += batch->messages[i].msg_len;
	stats_add(from->context->stats, STAT_UDP_BYTES_IN, sum);
	return (unsigned)n;
}

void batch_answer(struct batch *batch, unsigned to, unsigned from, size_t bytes,
		  unsigned datagrams)
{
	struct mmsghdr *message = &batch->messages[from];

	message->msg_len = (unsigned)bytes;
	message->msg_hdr.msg_iov->iov_len = bytes;
	message->msg_hdr.msg_flags = 0;
	batch->datagrams[to] = datagrams;
	/*
	 * Pointers only: what was received stays in the slot of from, which is not used again
	 * before reset().
	 */
	if (to != from)
		batch->messages[to] = *message;
}

char *batch_compose(struct batch *batch, unsigned i, const struct peer *to,
		    const void *control, size_t control_bytes)
{
	struct msghdr *message = &batch->messages[i].msg_hdr;

	assert(control_bytes <= sizeof(batch->controls[i]));
	memcpy(&batch->controls[i], control, control_bytes);
	batch->parts[i].iov_base = batch->slots + (size_t)i * SLOT_BYTES;
	*message = (struct msghdr){
		.msg_name = &batch->peers[i],
		.msg_namelen = peer_address(to, &batch->peers[i].any),
		.msg_iov = &batch->parts[i],
		.msg_iovlen = 1,
		.msg_control = control_bytes ? &batch->controls[i] : NULL,
		.msg_controllen = control_bytes,
	};
	if (batch->dirty <= i)
		batch->dirty = i + 1;
	return batch->parts[i].iov_base;
}

void batch_composed(struct batch *batch, unsigned i, size_t bytes)
{
	batch_answer(batch, i, i, bytes, 1);
}

static void count_sent(const struct batch *batch, const struct batch_socket *to,
		       unsigned first, unsigned n)
{
	uint64_t bytes = 0, datagrams = 0;

	for (unsigned i = first; i < first + n; i++) {
		bytes += batch->messages[i].msg_len;
		datagrams += batch->datagrams[i];
	}
	stats_add(to->context->stats, STAT_UDP_PACKETS_OUT, datagrams);
	stats_add(to->context->stats, STAT_UDP_BYTES_OUT, bytes);
}

static uint64_t count_datagrams(const struct batch *batch, unsigned first, unsigned end)
{
	uint64_t sum = 0;

	for (unsigned i = first; i < end; i++)
		sum += batch->datagrams[i];
	return sum;
}

static void count_lost(const struct batch_socket *to, int err, uint64_t datagrams)
{
	if (err == EPERM)
		context_count_eperm(to->context, datagrams);
	else
		stats_add(to->context->stats, STAT_SENDS_DROPPED, datagrams);
}

/* In fragments, if the way back is too narrow. Only IPv4 needs to be told (binding.c). */
static void send_one(const struct batch_socket *to, const struct msghdr *message)
{
	ssize_t n = sendmsg(to->fd, message, MSG_DONTWAIT);

	if (n < 0 && errno == EMSGSIZE && to->fragments) {
		socket_set_fragments(to->fd, true);
		n = sendmsg(to->fd, message, MSG_DONTWAIT);
		socket_set_fragments(to->fd, false);
	}
	if (n < 0) {
		count_lost(to, errno, 1);
		return;
	}
	stats_add(to->context->stats, STAT_UDP_PACKETS_OUT, 1);
	stats_add(to->context->stats, STAT_UDP_BYTES_OUT, (uint64_t)n);
}

/*
 * Sends a burst that the kernel does not cut up, as when its datagrams fit the way here but
 * not the way back, one by one.
 */
static void send_apart(const struct batch_socket *to, struct mmsghdr *burst,
		       size_t segment_bytes)
{
	struct msghdr *message = &burst->msg_hdr;
	char *bytes = message->msg_iov->iov_base;

	answer_unburst(message);
	stats_add(to->context->stats, STAT_UDP_BURSTS_SPLIT, 1);
	for (size_t at = 0; at < burst->msg_len; at += segment_bytes) {
		size_t left = burst->msg_len - at;

		message->msg_iov->iov_base = bytes + at;
		message->msg_iov->iov_len = left < segment_bytes ? left : segment_bytes;
		send_one(to, message);
	}
}

/*
 * The first message could not be sent with the others. Returns how many to give up: that
 * one, or all that are left when the socket takes no more (waiting would make others late).
 */
static unsigned give_up(struct batch *batch, const struct batch_socket *to, int err,
			unsigned first, unsigned end)
{
	unsigned count = err == EAGAIN || err == ENOBUFS ? end - first : 1;
	struct mmsghdr *message = &batch->messages[first];
	size_t segment_bytes;

	if (err == EINTR)
		return 0;
	if ((err == EINVAL || err == EMSGSIZE || err == EIO) &&
	    answer_is_burst(&message->msg_hdr, &segment_bytes))
		send_apart(to, message, segment_bytes);
	else if (err == EMSGSIZE)
		send_one(to, &message->msg_hdr);
	else
		count_lost(to, err, count_datagrams(batch, first, first + count));
	return count;
}

/* sendmmsg() stops at the first message that fails, and says why only on the next call. */
uint64_t batch_send(struct batch *batch, const struct batch_socket *to, unsigned count)
{
	const struct stats *stats = to->context->stats;
	uint64_t sent_before = stats_get(stats, STAT_UDP_PACKETS_OUT);
	struct mmsghdr *messages = batch->messages;

	for (unsigned done = 0; done < count;) {
		int n = sendmmsg(to->fd, messages + done, count - done, MSG_DONTWAIT);

		if (n < 0) {
			done += give_up(batch, to, errno, done, count);
			continue;
		}
		count_sent(batch, to, done, (unsigned)n);
		done += (unsigned)n;
		if (done < count)
			stats_add(to->context->stats, STAT_SENDS_SHORT, 1);
	}
	return stats_get(stats, STAT_UDP_PACKETS_OUT) - sent_before;
}
