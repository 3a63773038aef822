// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/channel.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/dial.h"
#include "server/load.h"

enum {
	BATCH = 32,
	ROUNDS = 8, /* reads before other channels get their turn */
	RECEIVE_BUFFER = 16 << 20,
};

struct channel_kit {
	const struct channel_events *events;
	uint64_t secret;
	uint32_t size;
	unsigned char *message; /* one to send: a probe, and zeros to its end */
	unsigned char
		*room; /* BATCH received ones, a byte longer to see that they are not */
	struct mmsghdr header[BATCH];
	struct iovec iov[BATCH];
};

int channel_kit_open(struct channel_kit **out, const struct load *load,
		     const struct channel_events *events)
{
	struct channel_kit *kit = calloc(1, sizeof(*kit));

	if (!kit)
		return -ENOMEM;
	kit->events = events;
	kit->size = (uint32_t)load->size_bytes;
	kit->message = calloc(1, kit->size);
	kit->room = calloc(BATCH, kit->size + 1);
	if (!kit->message || !kit->room ||
	    getrandom(&kit->secret, sizeof(kit->secret), 0) != sizeof(kit->secret)) {
		channel_kit_close(kit);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < BATCH; i++) {
		kit->iov[i] =
			(struct iovec){ kit->room + i * (kit->size + 1), kit->size + 1 };
		kit->header[i].msg_hdr.msg_iov = &kit->iov[i];
		kit->header[i].msg_hdr.msg_iovlen = 1;
	}
	*out = kit;
	return 0;
}

void channel_kit_close(struct channel_kit *kit)
{
	if (!kit)
		return;
	free(kit->message);
	free(kit->room);
	free(kit);
}

int channel_open(struct channel *channel, const struct load *load, uint64_t i)
{
	const int on = 1;
	union endpoint local;
	int err;

	*channel = (struct channel){ .stream = load->target.proto == IPPROTO_TCP };
	if (load->has_source)
		source_endpoint(&load->source, i % load->source.addresses, 0, &local);
	channel->fd = dial_socket(&load->target, load->has_source ? &local : NULL);
	if (channel->fd < 0) {
		err = channel->fd;
		channel->fd = -1;
		return err;
	}
	if (channel->stream)
		/* Small messages must leave when it is their time; refused, they leave later. */
		setsockopt(channel->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	else
		dial_grow_buffer(channel->fd, RECEIVE_BUFFER);
	err = dial_connect(channel->fd, &load->target);
	if (err && err != -EINPROGRESS)
		channel_close(channel);
	channel->connected = !err;
	return err;
}

void channel_close(struct channel *channel)
{
	if (channel->fd >= 0)
		close(channel->fd);
	channel->fd = -1;
	channel->connected = false;
}

int channel_connected(struct channel *channel)
{
	int err = 0;
	socklen_t size = sizeof(err);

	if (getsockopt(channel->fd, SOL_SOCKET, SO_ERROR, &err, &size) < 0)
		err = errno;
	channel->connected = !err;
	if (err)
		channel_close(channel);
	return -err;
}

int channel_flush(struct channel *channel, struct channel_kit *kit)
{
	ssize_t written;

	if (channel->out_left == 0)
		return 0;
	/* Anew: other channels have written to this buffer since. */
	probe_write(kit->message, &channel->out, kit->secret);
	written = send(channel->fd, kit->message + (kit->size - channel->out_left),
		       channel->out_left, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (written < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	channel->out_left -= (uint32_t)written;
	return 0;
}

int channel_send(struct channel *channel, struct channel_kit *kit,
		 const struct probe *probe)
{
	ssize_t written;
	int err;

	if (!channel->connected)
		return -ENOTCONN;
	err = channel_flush(channel, kit);
	if (err || channel->out_left > 0)
		return err ? err : -EAGAIN;
	probe_write(kit->message, probe, kit->secret);
	written = send(channel->fd, kit->message, kit->size, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (written < 0)
		return -errno;
	channel->out = *probe;
	channel->out_left = kit->size - (uint32_t)written;
	return 0;
}

static bool is_zero(const unsigned char *bytes, size_t length)
{
	/* Each byte like the one before it, and the first 0. */
	return length == 0 ||
	       (bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0);
}

static void tell(const struct channel_kit *kit, const void *bytes, size_t length,
		 bool intact)
{
	struct probe probe;

	if (intact && probe_read(bytes, length, kit->secret, &probe) == 0)
		kit->events->echo(kit->events->data, &probe);
	else
		kit->events->unexpected(kit->events->data);
}

static int receive_datagrams(const struct channel *channel, struct channel_kit *kit)
{
	for (int round = 0; round < ROUNDS; round++) {
		int n = recvmmsg(channel->fd, kit->header, BATCH, MSG_DONTWAIT, NULL);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		for (int i = 0; i < n; i++) {
			const unsigned char *bytes = kit->iov[i].iov_base;
			size_t length = kit->header[i].msg_len;
			bool intact = length == kit->size &&
				      is_zero(bytes + PROBE_BYTES, length - PROBE_BYTES);

			tell(kit, bytes, length, intact);
		}
		if (n < BATCH)
			return 0;
	}
	return 0;
}

/* The next piece of a stream, up to the end of the probe or of the message. Returns its length. */
static size_t read_piece(struct channel *channel, const struct channel_kit *kit,
			 const unsigned char *bytes, size_t length)
{
	bool in_probe = channel->in_at < PROBE_BYTES;
	size_t piece = (in_probe ? PROBE_BYTES : kit->size) - channel->in_at;

	if (piece > length)
		piece = length;
	if (in_probe)
		memcpy(channel->in + channel->in_at, bytes, piece);
	channel->in_at += (uint32_t)piece;
	return piece;
}

/* Returns -EPROTO once the stream is not what was sent: its messages are not to be found again. */
static int read_stream(struct channel *channel, const struct channel_kit *kit,
		       const unsigned char *bytes, size_t length)
{
	struct probe probe;

	while (length > 0) {
		bool in_probe = channel->in_at < PROBE_BYTES;
		size_t piece = read_piece(channel, kit, bytes, length);
		bool good = in_probe || is_zero(bytes, piece);

		if (good && in_probe && channel->in_at == PROBE_BYTES)
			good = probe_read(channel->in, PROBE_BYTES, kit->secret,
					  &probe) == 0;
		if (!good) {
			kit->events->unexpected(kit->events->data);
			return -EPROTO;
		}
		if (channel->in_at == kit->size) {
			tell(kit, channel->in, PROBE_BYTES, true);
			channel->in_at = 0;
		}
		bytes += piece;
		length -= piece;
	}
	return 0;
}

static int receive_stream(struct channel *channel, struct channel_kit *kit)
{
	for (int round = 0; round < ROUNDS; round++) {
		size_t room = BATCH * ((size_t)kit->size + 1);
		ssize_t length = recv(channel->fd, kit->room, room, MSG_DONTWAIT);
		int err;

		if (length < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		if (length == 0)
			return -ECONNRESET;
		err = read_stream(channel, kit, kit->room, (size_t)length);
		if (err || (size_t)length < room)
			return err;
	}
	return 0;
}

int channel_receive(struct channel *channel, struct channel_kit *kit)
{
	return channel->stream ? receive_stream(channel, kit)
			       : receive_datagrams(channel, kit);
}
