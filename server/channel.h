/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_CHANNEL_H
#define SERVER_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/probe.h"

struct load;

enum { CHANNEL_MESSAGE_MAX = 65507 }; /* what a UDP datagram over IPv4 takes */

/*
 * One connected socket of an echo run: messages of one size out, the same back, as datagrams or as
 * a stream. A stream that has no room takes a message in part and finishes it later.
 */
struct channel {
	int fd; /* -1: it could not be opened, or has failed */
	bool stream;
	bool connected;
	struct probe out;  /* the message that is being sent, */
	uint32_t out_left; /* and how much of it is still to be written */
	uint32_t in_at;    /* how much of the current message has been read */
	unsigned char in[PROBE_BYTES];
};

/* What all channels of a run share. Opaque: owns the buffers. */
struct channel_kit;

/* What came in; called for each message with on_echo's data. */
struct channel_events {
	void (*echo)(void *data, const struct probe *probe);
	void (*unexpected)(void *data); /* not one of ours, or changed */
	void *data;
};

/* Borrows both. Returns 0 or -errno. */
int channel_kit_open(struct channel_kit **out, const struct load *load,
		     const struct channel_events *events);
void channel_kit_close(struct channel_kit *kit);

/*
 * Opens channel number i: its source address is the i-th, its port the kernel's choice. Returns 0,
 * -EINPROGRESS (connected once it is writable), or -errno.
 */
int channel_open(struct channel *channel, const struct load *load, uint64_t i);

/* Closes it; again is allowed. */
void channel_close(struct channel *channel);

/* Ends a connect that was in progress. Returns 0 or -errno; then the channel is closed. */
int channel_connected(struct channel *channel);

/*
 * Sends a message, or begins to. Returns 0, or -errno and nothing of it was sent: -EAGAIN if
 * there is no room, -ENOTCONN if the channel is closed.
 */
int channel_send(struct channel *channel, struct channel_kit *kit,
		 const struct probe *probe);

/* Goes on with a message that was begun. Returns 0 (also if some is left) or -errno. */
int channel_flush(struct channel *channel, struct channel_kit *kit);

/* Reads what is there, up to a bound. Returns 0; -ECONNRESET at the end of a stream; -errno. */
int channel_receive(struct channel *channel, struct channel_kit *kit);

#endif
