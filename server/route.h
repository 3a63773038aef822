/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_ROUTE_H
#define SERVER_ROUTE_H

#include <stddef.h>

#include "server/feed.h"

/* What a path leads to. */
enum route_kind {
	ROUTE_NONE,
	ROUTE_HEALTH, /* "/healthz" */
	ROUTE_FEED,   /* "/test/ID" */
};

struct route {
	enum route_kind kind;
	size_t id_bytes;          /* of a feed */
	char id[FEED_ID_MAX + 8]; /* "/test/ID" with ID decoded, and a NUL; room to try */
};

/*
 * Decodes "%XX" in length bytes of text into out, which has room for as many. Returns 0
 * and the bytes in *out_bytes; -EINVAL if an escape is not one, or if the result is not
 * UTF-8 or has control characters: it could not stand in a line. Pure.
 */
int route_decode(const char *text, size_t length, char *out, size_t *out_bytes);

/*
 * Finds out where a path leads that starts with '/' (or is empty: nowhere) and has at
 * most FEED_ID_MAX bytes. Returns 0, or -EINVAL as route_decode(). Pure.
 */
int route_find(const char *path, size_t length, struct route *out);

#endif
