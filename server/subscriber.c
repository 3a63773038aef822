// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/subscriber.h"

#include <errno.h>
#include <string.h>

#include "server/backlog.h"
#include "server/buffer.h"
#include "server/conn.h"
#include "server/context.h"
#include "server/feed.h"
#include "server/message.h"
#include "server/publish.h"
#include "server/roster.h"
#include "server/stats.h"

enum { PREFIX_BYTES = 6 }; /* "/test/", which is no part of the ID in a message */

static void count(struct conn *conn, enum stats_counter counter, unsigned number)
{
	stats_add(conn->context->stats, counter, number);
}

void subscriber_join(struct conn *conn)
{
	const struct context *context = conn->context;
	const char *id = conn->session.id + PREFIX_BYTES;

	if (context->roster)
		roster_add(context->roster, &conn->session.entry,
			   publish_hash(context->publish, id, strlen(id)));
}

void subscriber_leave(struct conn *conn)
{
	if (conn->context->roster)
		roster_remove(conn->context->roster, &conn->session.entry);
	if (conn->session.backlog)
		count(conn, STAT_MESSAGES_LOST, backlog_count(conn->session.backlog));
	buffer_put(&conn->session.backlog);
}

struct conn *subscriber_of(struct roster_entry *entry)
{
	return (struct conn *)((char *)entry - offsetof(struct conn, session.entry));
}

bool subscriber_wants(const struct conn *conn, const struct message *message)
{
	const char *id = conn->session.id + PREFIX_BYTES;

	if (conn->phase != CONN_OPEN)
		return false;
	return message->all || (strlen(id) == message->id_bytes &&
				memcmp(id, message->data, message->id_bytes) == 0);
}

/* Writes one. Returns 0; -EAGAIN if it was not taken; another -errno if conn is closed. */
static int write_message(struct conn *conn, const char *message, size_t bytes)
{
	char text[FEED_TEXT_MAX];
	size_t length = feed_message(text, conn->session.framing, message, bytes);
	int err = conn_send(conn, text, length);

	if (err == 0)
		count(conn, STAT_MESSAGES_OUT, 1);
	if (err == 0 || err == -EAGAIN)
		return err;
	count(conn, STAT_MESSAGES_LOST, 1);
	if (err == -ENOBUFS)
		conn_drop(conn);
	else
		conn_close(conn);
	return err;
}

static void keep(struct conn *conn, const char *text, size_t bytes)
{
	struct context *context = conn->context;

	if (!conn->session.backlog)
		conn->session.backlog = buffer_get(context->small, CONTEXT_SMALL_BYTES);
	if (context->settings->slow_close &&
	    (!conn->session.backlog || !backlog_has_room(conn->session.backlog, bytes))) {
		count(conn, STAT_MESSAGES_LOST, 1);
		conn_drop(conn);
		return;
	}
	/* Without a buffer the newest is what can be done without. */
	if (!conn->session.backlog)
		count(conn, STAT_MESSAGES_LOST, 1);
	else
		count(conn, STAT_MESSAGES_LOST,
		      backlog_put(conn->session.backlog, text, bytes));
}

/* Writes what waits, as far as it goes. Returns false if conn is closed. */
static bool catch_up(struct conn *conn)
{
	while (conn->session.backlog && !conn_blocked(conn)) {
		size_t bytes;
		const char *text = backlog_first(conn->session.backlog, &bytes);
		int err;

		if (!text) {
			buffer_put(&conn->session.backlog);
			break;
		}
		err = write_message(conn, text, bytes);
		if (err)
			return err == -EAGAIN;
		backlog_drop(conn->session.backlog);
	}
	return true;
}

void subscriber_drained(struct conn *conn)
{
	catch_up(conn);
}

/* In the order of their arrival, also after there was no memory to block on. */
void subscriber_give(struct conn *conn, const char *text, size_t bytes)
{
	if (!catch_up(conn))
		return;
	if (conn_blocked(conn) || conn->session.backlog ||
	    write_message(conn, text, bytes) == -EAGAIN)
		keep(conn, text, bytes);
}
