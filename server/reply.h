/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_REPLY_H
#define SERVER_REPLY_H

#include <llhttp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A response head that is longer is not one of a feed. */
enum { REPLY_HEAD_MAX = 16384 };

/*
 * One HTTP response that is read as it comes, cut anywhere: its status, its framing, and the
 * lines of its body that start with "Chunk". Takes no memory besides itself, whatever the
 * server sends. reply_start() before use.
 */
struct reply {
	llhttp_t parser; /* first: the parser's callbacks find the reply by it */
	uint32_t chunks; /* counted by the read that is under way */
	uint16_t head_bytes;
	uint8_t matched; /* letters of "Chunk" that the current line starts with */
	bool open;       /* the head was complete, with status 200 */
	bool ended;      /* the body was complete */
};

void reply_start(struct reply *reply);

/*
 * Reads the next bytes of the response; *chunks is how many lines that start with "Chunk"
 * are new. Returns 0; -EPROTO if this is not HTTP; -EBADMSG if the status is not 200; -EMSGSIZE if
 * the head is too long. After an error, or once ended, the reply takes no more.
 */
int reply_read(struct reply *reply, const void *bytes, size_t length, uint32_t *chunks);

#endif
