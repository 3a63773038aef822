/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_MESSAGE_H
#define SERVER_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/feed.h"

enum {
	MESSAGE_ID_MAX = FEED_ID_MAX - 6, /* as long as an ID behind "/test/" can be */
	MESSAGE_TEXT_MAX = 1024,
	/* "ID text\n", and a byte more than that, to tell what was cut */
	MESSAGE_DATAGRAM_MAX = MESSAGE_ID_MAX + 1 + MESSAGE_TEXT_MAX + 1,
};

/* A message on its way from the publisher to a worker, in one packet of message_bytes(). */
struct message {
	uint32_t hash; /* of the ID: what to route by */
	uint16_t id_bytes;
	uint16_t text_bytes;
	bool all; /* for every feed; there is no ID */
	bool sole; /* sent to no other worker: one that has no such feed knows that none has */
	char data[MESSAGE_ID_MAX + MESSAGE_TEXT_MAX]; /* the ID, then the text */
};

/*
 * Reads a datagram: "ID text" or "* text", and perhaps a newline. ID is written as in a
 * URL, with %XX. Returns 0, or -EINVAL: no ID or no text, one of them too long, or control
 * characters or something else than UTF-8 in them; then *out is undefined. hash and sole
 * are left to the caller. Pure.
 */
int message_parse(const char *datagram, size_t bytes, struct message *out);

/* The bytes of a message that are used. */
size_t message_bytes(const struct message *message);

#endif
