/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_ROUTER_H
#define SERVER_ROUTER_H

struct context;
struct publish;

/*
 * Reads what is published, in the one worker that does, and passes each message on to the
 * workers that may have feeds for it. While a worker's channel is full nothing is
 * read, so that the kernel makes publishers wait; for a second, then that worker does without.
 */
struct router;

/* Starts; context and publish stay the caller's. Returns 0 or -ENOMEM. */
int router_open(struct router **out, struct context *context,
		const struct publish *publish);

/*
 * Publishers get EPIPE from now on. What was sent before is passed on at once, as far as
 * channels have room.
 */
void router_stop(struct router *router);

/* Frees it; NULL is allowed. */
void router_close(struct router *router);

#endif
