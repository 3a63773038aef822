// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A request head: the first byte says how the rest is cut into reads. All that a session
 * asks a complete head is asked, and a feed's lines are made of its id.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/http.h"
#include "server/feed.h"
#include "server/route.h"
#include "server/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever was asked for, the lines of the feed are lines, one each. */
static void check_feed(const struct route *route)
{
	struct feed_line line = { 0 };
	char text[FEED_TEXT_MAX];
	size_t bytes;

	assert(strlen(route->id) == route->id_bytes && route->id_bytes <= FEED_ID_MAX);
	assert(utf8_is_line(route->id, route->id_bytes));
	bytes = feed_welcome(text, FEED_PLAIN, route->id);
	assert(memchr(text, '\n', bytes) == text + bytes - 1);
	feed_welcome(text, FEED_CHUNKED | FEED_EVENTS, route->id);
	feed_chunk(&line, FEED_CHUNKED | FEED_EVENTS, UINT64_MAX, route->id);
}

static void check_head(const struct http_head *head)
{
	struct route route;
	size_t length;
	const char *path = http_head_path(head, &length);

	assert(length <= HTTP_TARGET_MAX && (length == 0 || path[0] == '/'));
	http_head_accepts(head, "text/event-stream");
	/* What follows a body that is not read would be taken for a request. */
	assert(!http_head_keeps_alive(head) || !http_head_has_body(head));
	if (route_find(path, length, &route) == 0 && route.kind == ROUTE_FEED)
		check_feed(&route);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct http_head head;
	const char *at = (const char *)data + 1;
	size_t left = size ? size - 1 : 0;
	size_t piece = size && data[0] ? data[0] : left;
	int err = 0;

	http_head_init(&head);
	while (left > 0) {
		size_t bytes = piece < left ? piece : left;
		size_t used = SIZE_MAX;
		/* A copy of its own, so that reading beyond it is found. */
		char *copy = malloc(bytes);

		if (!copy)
			return 0;
		memcpy(copy, at, bytes);
		err = http_head_read(&head, copy, bytes, &used);
		free(copy);
		assert(used <= bytes && (err != -EAGAIN || used == bytes));
		assert((err == -EBADMSG) == (head.refused != 0));
		if (err == -EBADMSG)
			return 0;
		at += used;
		left -= used;
		if (err == -EAGAIN)
			continue;
		check_head(&head);
		http_head_init(&head);
	}
	return 0;
}
