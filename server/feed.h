/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_FEED_H
#define SERVER_FEED_H

#include <stddef.h>
#include <stdint.h>

/*
 * The text of a feed: "ctkit welcomes you! Your Id: /test/ID", then "Chunk N for id
 * /test/ID" for ever, and messages between. As events, the first one says how long a
 * browser waits before it connects again, and each chunk has its number as id. Pure.
 */
enum { FEED_ID_MAX = 2048, FEED_TEXT_MAX = FEED_ID_MAX + 128 };

/* How a line travels; a set of bits. */
enum feed_framing {
	FEED_PLAIN = 0,
	FEED_CHUNKED = 1, /* in a chunk of HTTP/1.1 */
	FEED_EVENTS = 2,  /* as a server-sent event */
};

/* The first line. id is "/test/ID", at most FEED_ID_MAX bytes. Returns the bytes in text. */
size_t feed_welcome(char text[FEED_TEXT_MAX], unsigned framing, const char *id);

/*
 * A chunk that goes to many feeds, each with its id: what is in front of the id is
 * formatted once for all that have the same number. Zero-initialise before use.
 */
struct feed_line {
	uint64_t number; /* 0: none yet */
	unsigned framing;
	size_t prefix_bytes;
	char text[FEED_TEXT_MAX];
};

/* Line number, counted from 1. Returns the bytes in line->text. */
size_t feed_chunk(struct feed_line *line, unsigned framing, uint64_t number,
		  const char *id);

/*
 * A message: at least one byte, without control characters, at most FEED_ID_MAX.
 * Returns the bytes in text.
 */
size_t feed_message(char text[FEED_TEXT_MAX], unsigned framing, const char *message,
		    size_t bytes);

/* What a plain line is, as a client reads it from whomever. */
enum feed_said { FEED_SAID_NOTHING, FEED_SAID_WELCOME, FEED_SAID_CHUNK };

/*
 * Reads one whole line, with its newline: *number is that of a chunk, and id with *id_bytes,
 * which points into text, whose it is. Nothing: it is neither.
 */
enum feed_said feed_read(const char *text, size_t bytes, uint64_t *number,
			 const char **id, size_t *id_bytes);

/* What ends the feed properly; its length, which may be 0, in *bytes. */
const char *feed_end(unsigned framing, size_t *bytes);

#endif
