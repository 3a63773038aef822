/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_SUBSCRIBER_H
#define SERVER_SUBSCRIBER_H

#include <stdbool.h>
#include <stddef.h>

struct conn;
struct message;
struct roster_entry;

/* The connection of a feed, as what messages are given to. */

/* The feed has an id from now on; nothing happens without a router. */
void subscriber_join(struct conn *conn);

/* The feed ends; what still waits for it is counted as lost. */
void subscriber_leave(struct conn *conn);

/* The connection that an entry of the roster belongs to. */
struct conn *subscriber_of(struct roster_entry *entry);

/* Whether the message is for this feed. */
bool subscriber_wants(const struct conn *conn, const struct message *message);

/*
 * Writes the text of a message as a line of the feed, or lets it wait for the client to
 * read on: then the oldest ones are lost and counted when there are too many, or the
 * connection is closed (settings->slow_close). The caller does not touch conn again.
 */
void subscriber_give(struct conn *conn, const char *text, size_t bytes);

/* What was blocked is written: writes what waits. The same as above about conn. */
void subscriber_drained(struct conn *conn);

#endif
