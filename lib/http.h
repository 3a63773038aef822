/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIB_HTTP_H
#define LIB_HTTP_H

#include <llhttp.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

enum {
	HTTP_HEAD_MAX = 8192,   /* bytes of a request head; more is 431 */
	HTTP_TARGET_MAX = 2048, /* bytes of its target; more is 414 */
	HTTP_ACCEPT_MAX = 256,  /* bytes of Accept that are looked at */
	HTTP_NAME_MAX = 15,     /* longer header names are none that we read */
	HTTP_EXPECT_MAX = 15,   /* bytes of Expect, the same */
	HTTP_REPLY_MAX = 512,   /* enough for any head of http_reply_head() */
};

/*
 * Reads one request head, in pieces of any size. A value without resources: it can be
 * forgotten at any time, but not moved. A request body is never read: a request that
 * announces one must be answered and its connection closed.
 */
struct http_head {
	llhttp_t parser;
	size_t bytes;   /* of the head so far */
	int refused;    /* the status that answers a head that is wrong; 0: none */
	unsigned hosts; /* Host headers seen */
	size_t target_length;
	size_t name_length;
	size_t accept_length;
	size_t expect_length;
	char target[HTTP_TARGET_MAX + 1];
	char name[HTTP_NAME_MAX + 1];
	char accept[HTTP_ACCEPT_MAX + 1];
	char expect[HTTP_EXPECT_MAX + 1];
	bool done;
};

/* Gets ready for a new head. */
void http_head_init(struct http_head *head);

/*
 * Reads up to bytes of data and writes how many belonged to this head to *used. Returns
 * 0 when the head is complete, -EAGAIN when it needs more (then all were used), -EBADMSG
 * when it is wrong: head->refused is then the status to answer with (400, 414, 417,
 * 431, 505)
 * and the connection must be closed. Not to be called again after 0 or -EBADMSG.
 */
int http_head_read(struct http_head *head, const char *data, size_t bytes, size_t *used);

/* What a complete head says. */
enum http_method {
	HTTP_METHOD_GET,
	HTTP_METHOD_HEAD,
	HTTP_METHOD_OPTIONS,
	HTTP_METHOD_OTHER,
};

enum http_method http_head_method(const struct http_head *head);

/* Whether the client speaks HTTP/1.1, so that it understands chunks. */
bool http_head_is_1_1(const struct http_head *head);

/* Whether the connection may serve another request: wanted by the client, and no body follows. */
bool http_head_keeps_alive(const struct http_head *head);

/* Whether a request body follows the head. */
bool http_head_has_body(const struct http_head *head);

/*
 * The path of the target in head's own memory, neither NUL-terminated nor decoded, without
 * "http://authority" in front or a query behind; its length in *length, which is 0 for "*".
 */
const char *http_head_path(const struct http_head *head, size_t *length);

/* Whether Accept names the media type ("text/event-stream") in as many words. */
bool http_head_accepts(const struct http_head *head, const char *type);

/* What a response head says. */
struct http_reply {
	int status;
	const char *content_type; /* NULL: none */
	const char *extra; /* further header lines, each with its CRLF; NULL: none */
	size_t length;     /* Content-Length; not sent when unbounded */
	bool unbounded;    /* a body without a known length */
	bool chunked;      /* only if unbounded: chunks instead of until close */
	bool keep_alive;
	bool old_client; /* HTTP/1.0: keep_alive must be said in so many words */
	time_t date;     /* wall clock */
};

/* Writes the response head into text; returns its length. extra must be under 200 bytes. */
size_t http_reply_head(const struct http_reply *reply, char text[HTTP_REPLY_MAX]);

/* "Not Found" for 404; "Error" for a status that nobody here sends. */
const char *http_reason(int status);

#endif
