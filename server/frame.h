/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_FRAME_H
#define SERVER_FRAME_H

#include <stddef.h>
#include <stdint.h>

/*
 * The wire of a feed over UDP: a line of text in each datagram. Pure. A client says
 *
 *   ctkit hello                                 (and blanks, to FRAME_HELLO_BYTES)
 *   ctkit subscribe COOKIE SECONDS /test/ID     (again: renewed for SECONDS from now on)
 *   ctkit cancel COOKIE
 *
 * and the server, besides the text of the feed,
 *
 *   ctkit cookie COOKIE                         (16 hexadecimal digits)
 *   ctkit refused
 *   ctkit end
 *
 * What may be sent to an address that has not proved itself, a cookie, is shorter than
 * whatever it is the answer to.
 */
enum {
	FRAME_HELLO_BYTES = 64,
	FRAME_ID_MAX = 127, /* of "/test/ID" */
	FRAME_LEASE_MAX_S = 300,
	FRAME_TEXT_MAX = 192, /* of any frame, and of any line of such a feed */
};

enum frame_kind {
	FRAME_HELLO,
	FRAME_SUBSCRIBE,
	FRAME_CANCEL,
	FRAME_COOKIE,
	FRAME_REFUSED,
	FRAME_END,
};

struct frame {
	enum frame_kind kind;
	uint64_t cookie;           /* FRAME_COOKIE, FRAME_SUBSCRIBE, FRAME_CANCEL */
	unsigned lease_s;          /* FRAME_SUBSCRIBE: 1..FRAME_LEASE_MAX_S, and */
	char id[FRAME_ID_MAX + 1]; /* "/test/" and visible ASCII */
};

/* Reads one, from anyone: returns 0, or -EBADMSG if it is not exactly a frame. */
int frame_parse(const void *bytes, size_t length, struct frame *out);

/* Writes one. Returns its bytes. */
size_t frame_format(const struct frame *frame, char text[FRAME_TEXT_MAX]);

#endif
