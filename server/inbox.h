/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_INBOX_H
#define SERVER_INBOX_H

struct context;

/*
 * Takes the messages that the router passes on to this worker, one after the other, and
 * gives each to all feeds here that it is for.
 */
struct inbox;

/*
 * Starts to read a channel; context stays the caller's, with its roster, and outlives the
 * inbox. Returns 0 or -ENOMEM.
 */
int inbox_open(struct inbox **out, struct context *context, int channel);

/* Frees it; NULL is allowed. */
void inbox_close(struct inbox *inbox);

/* Takes what waits in the channel, before feeds are ended. */
void inbox_stop(struct inbox *inbox);

#endif
