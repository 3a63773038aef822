/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_SESSION_H
#define SERVER_SESSION_H

#include <stdint.h>

#include "server/roster.h"

struct buffer;
struct conn_ops;
struct http_head;

/* What a connection keeps for HTTP. */
struct session {
	struct http_head *head;    /* while a request head is being read */
	char *id;                  /* "/test/ID" once the feed runs */
	uint32_t chunk;            /* number of the last one */
	uint32_t requests;         /* answered so far */
	uint8_t framing;           /* enum feed_framing */
	struct buffer *backlog;    /* messages that wait; NULL: none */
	struct roster_entry entry; /* where messages find the feed */
};

/* HTTP on a connection: requests, each answered, until one of them asks for a feed. */
const struct conn_ops *session_http(void);

#endif
