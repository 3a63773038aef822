/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_BACKLOG_H
#define SERVER_BACKLOG_H

#include <stdbool.h>
#include <stddef.h>

struct buffer;

/*
 * Messages that wait in a buffer for a client to read on: the newest that fit. Each is
 * one or nothing, as it was put in. Pure, but for the buffer's memory.
 */

/* Whether a message of this many bytes fits without another one giving way. */
bool backlog_has_room(const struct buffer *buffer, size_t bytes);

/*
 * Adds a message of at most MESSAGE_TEXT_MAX bytes. Returns how many of the oldest had
 * to give way; if that was not enough, the message is counted with them and not added.
 */
unsigned backlog_put(struct buffer *buffer, const char *text, size_t bytes);

/* The oldest message, which stays in the buffer until backlog_drop(); NULL if none waits. */
const char *backlog_first(const struct buffer *buffer, size_t *bytes);

/* Forgets the oldest message. */
void backlog_drop(struct buffer *buffer);

/* How many messages wait. */
unsigned backlog_count(const struct buffer *buffer);

#endif
