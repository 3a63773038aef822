// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/http.h"
#include "server/conn.h"
#include "server/context.h"
#include "server/feed.h"
#include "server/pool.h"
#include "server/route.h"
#include "server/stats.h"
#include "server/subscriber.h"

enum { HEAD_S = 10 }; /* for a request head to be complete, and to the next request */

/* At the end: for the first request of a connection to come, which is on its way. */
enum { FIRST_REQUEST_MS = 500 };

enum { BODY_MAX = 64 };

static const char PLAIN_TEXT[] = "text/plain; charset=utf-8";
static const char ALLOW[] = "Allow: GET, HEAD, OPTIONS\r\n";

/*
 * A feed is public and knows no credentials, so a page of any origin may read it with an
 * EventSource. Nobody on the way may keep it, wait for it to be complete (nginx), or
 * take what an ID says for HTML.
 */
static const char FEED_LINES[] = "Cache-Control: no-cache, no-store\r\n"
				 "Access-Control-Allow-Origin: *\r\n"
				 "X-Accel-Buffering: no\r\n"
				 "X-Content-Type-Options: nosniff\r\n";

static void count(struct conn *conn, enum stats_counter counter)
{
	stats_add(conn->context->stats, counter, 1);
}

/* Closes after conn_send() failed; true if it did not. */
static bool sent(struct conn *conn, int err)
{
	if (err == -EAGAIN || err == -ENOBUFS)
		conn_drop(conn);
	else if (err)
		conn_close(conn);
	return err == 0;
}

static void release_head(struct conn *conn)
{
	pool_put(conn->context->heads, conn->session.head);
	conn->session.head = NULL;
}

/* One deadline for all of it: a client that sends a byte now and then gains nothing. */
static void await_head(struct conn *conn)
{
	uint64_t now_ns = clock_now_ns();

	conn_wake_at(conn, now_ns, now_ns + (uint64_t)HEAD_S * CLOCK_NS_PER_S);
}

/*
 * Answers with a short text, without it if it was HEAD. Returns whether the connection
 * is there for the next request.
 */
static bool reply_text(struct conn *conn, int status, const char *body, bool keep_alive,
		       bool without_body)
{
	char text[HTTP_REPLY_MAX + BODY_MAX];
	const struct http_head *head = conn->session.head;
	bool allow =
		status == 405 || (head && http_head_method(head) == HTTP_METHOD_OPTIONS);
	struct http_reply reply = {
		.status = status,
		.content_type = PLAIN_TEXT,
		.extra = allow ? ALLOW : NULL,
		.length = strlen(body),
		.keep_alive = keep_alive && !conn->context->stopping,
		.old_client = head && !http_head_is_1_1(head),
		.date = (time_t)ev_now(conn->context->loop),
	};
	size_t bytes = http_reply_head(&reply, text);

	if (!without_body) {
		memcpy(text + bytes, body, reply.length);
		bytes += reply.length;
	}
	/* All that is needed of the head is in text: an idle connection holds none. */
	release_head(conn);
	if (!reply.keep_alive) {
		conn_end(conn, text, bytes);
		return false;
	}
	await_head(conn);
	return sent(conn, conn_send(conn, text, bytes));
}

/* Answers a request that is wrong, with its status as the text. */
static bool reply_error(struct conn *conn, int status, bool keep_alive, bool without_body)
{
	char body[BODY_MAX];

	count(conn, STAT_HTTP_ERRORS);
	snprintf(body, sizeof(body), "%d %s\n", status, http_reason(status));
	return reply_text(conn, status, body, keep_alive, without_body);
}

static size_t feed_reply(const struct conn *conn, bool events, bool chunked,
			 char text[HTTP_REPLY_MAX])
{
	struct http_reply reply = {
		.status = 200,
		.content_type = events ? "text/event-stream" : PLAIN_TEXT,
		.extra = FEED_LINES,
		.unbounded = true,
		.chunked = chunked,
		.date = (time_t)ev_now(conn->context->loop),
	};

	return http_reply_head(&reply, text);
}

/* From here on the connection has one purpose; what else its client sends is ignored. */
static void start_feed(struct conn *conn, const struct route *route)
{
	const struct http_head *head = conn->session.head;
	bool events = http_head_accepts(head, "text/event-stream");
	bool chunked = http_head_is_1_1(head);
	bool only_head = http_head_method(head) == HTTP_METHOD_HEAD;
	char text[HTTP_REPLY_MAX + FEED_TEXT_MAX];
	size_t bytes = feed_reply(conn, events, chunked, text);
	uint64_t interval_ns = conn->context->interval_ns;
	uint64_t now_ns = clock_now_ns();

	if (only_head) {
		conn_end(conn, text, bytes);
		return;
	}
	conn->session.id = strndup(route->id, route->id_bytes);
	if (!conn->session.id) {
		conn_drop(conn);
		return;
	}
	conn->session.framing = (uint8_t)((chunked ? FEED_CHUNKED : FEED_PLAIN) |
					  (events ? FEED_EVENTS : FEED_PLAIN));
	release_head(conn);
	/* Before the welcome: who has read it gets what is published from then on. */
	subscriber_join(conn);
	bytes += feed_welcome(text + bytes, conn->session.framing, conn->session.id);
	if (sent(conn, conn_send(conn, text, bytes)))
		conn_wake_at(conn, now_ns,
			     wheel_spread(&conn->context->wheel, now_ns + interval_ns,
					  interval_ns));
}

/* Answers a complete head. Returns whether the connection is there for the next one. */
static bool answer(struct conn *conn)
{
	const struct http_head *head = conn->session.head;
	bool keep_alive = http_head_keeps_alive(head);
	enum http_method method = http_head_method(head);
	bool only_head = method == HTTP_METHOD_HEAD;
	struct route route;
	size_t length;
	const char *path = http_head_path(head, &length);

	count(conn, STAT_HTTP_REQUESTS);
	conn->session.requests++;
	if (route_find(path, length, &route) < 0)
		return reply_error(conn, 400, false, only_head);
	/* "OPTIONS *" asks about no path, and the target of CONNECT is none. */
	if (route.kind == ROUTE_NONE && length > 0)
		return reply_error(conn, 404, keep_alive, only_head);
	if (method == HTTP_METHOD_OPTIONS)
		return reply_text(conn, 200, "", keep_alive, false);
	if (method == HTTP_METHOD_OTHER)
		return reply_error(conn, 405, keep_alive, false);
	if (route.kind == ROUTE_NONE)
		return reply_error(conn, 404, keep_alive, only_head);
	if (route.kind == ROUTE_HEALTH)
		return reply_text(conn, 200, "ok\n", keep_alive, only_head);
	start_feed(conn, &route);
	return false;
}

/* Mostly a head comes in one piece: then it holds memory only within one callback. */
static struct http_head *current_head(struct conn *conn)
{
	if (conn->session.head)
		return conn->session.head;
	conn->session.head = pool_get(conn->context->heads);
	if (conn->session.head)
		http_head_init(conn->session.head);
	return conn->session.head;
}

static void on_data(struct conn *conn, const char *data, size_t bytes)
{
	if (conn->session.id)
		return;
	while (bytes > 0) {
		struct http_head *head;
		size_t used;
		int err;

		/* A client that asks on and on without reading answers is not heard on. */
		if (conn_blocked(conn)) {
			if (conn_put_aside(conn, data, bytes) < 0)
				conn_drop(conn);
			return;
		}
		head = current_head(conn);
		if (!head) {
			conn_drop(conn);
			return;
		}
		err = http_head_read(head, data, bytes, &used);
		if (err == -EBADMSG)
			reply_error(conn, head->refused, false, false);
		if (err || !answer(conn))
			return;
		data += used;
		bytes -= used;
	}
}

/* A client that has gone and one that only ended its side look alike: a proper end serves both. */
static void on_eof(struct conn *conn)
{
	size_t bytes;
	const char *end;

	if (!conn->session.id) {
		if (!conn_blocked(conn))
			conn_close(conn);
		return;
	}
	end = feed_end(conn->session.framing, &bytes);
	conn_end(conn, end, bytes);
}

static void send_chunk(struct conn *conn)
{
	struct feed_line *line = &conn->context->line;
	size_t bytes = feed_chunk(line, conn->session.framing, ++conn->session.chunk,
				  conn->session.id);
	uint64_t interval_ns = conn->context->interval_ns;
	uint64_t due_ns = conn->timer.due * conn->context->wheel.tick_ns + interval_ns;
	uint64_t now_ns = clock_now_ns();
	int err = conn_send(conn, line->text, bytes);

	/* A chunk is all or nothing, else the client could not tell where the next one starts. */
	if (err && (err != -EAGAIN || conn->context->settings->slow_close)) {
		sent(conn, err);
		return;
	}
	count(conn, err ? STAT_CHUNKS_LOST : STAT_CHUNKS_SENT);
	/*
	 * From the time it was due: no drift. What was slept over is not made up for, and
	 * does not bring all feeds together.
	 */
	if (due_ns <= now_ns)
		due_ns += ((now_ns - due_ns) / interval_ns + 1) * interval_ns;
	conn_wake_at(conn, now_ns, due_ns);
}

static void on_due(struct conn *conn)
{
	if (conn->session.id)
		send_chunk(conn);
	else if (conn->context->stopping)
		conn_stop_reading(conn);
	else if (conn->session.requests > 0 && !conn->session.head)
		conn_close(conn);
	else
		reply_error(conn, 408, false, false);
}

static void on_drained(struct conn *conn)
{
	if (conn->session.id)
		subscriber_drained(conn);
	else if (conn->eof)
		conn_close(conn);
}

/*
 * Requests that were received are answered, as is a first one that comes soon: its client
 * was accepted and would take an end for a failure. Others find a closed connection,
 * which clients that keep theirs open must expect.
 */
static void on_stop(struct conn *conn)
{
	uint64_t now_ns = clock_now_ns();

	if (conn->session.id)
		on_eof(conn);
	else if (conn->session.requests == 0)
		conn_wake_at(conn, now_ns,
			     now_ns + (uint64_t)FIRST_REQUEST_MS * CLOCK_NS_PER_MS);
	else
		conn_stop_reading(conn);
}

static void on_release(struct conn *conn)
{
	release_head(conn);
	subscriber_leave(conn);
	free(conn->session.id);
}

static const struct conn_ops HTTP = {
	.start = await_head,
	.data = on_data,
	.eof = on_eof,
	.due = on_due,
	.drained = on_drained,
	.stop = on_stop,
	.release = on_release,
};

const struct conn_ops *session_http(void)
{
	return &HTTP;
}
