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

/* Starts, once no router of a ctserve that was before reads; context and publish stay the caller's. Returns 0 or -ENOMEM. */
int router_open(struct router **out, struct context *context,
		const struct publish *publish);

/*
 * Passes on at once what was sent so far, as far as channels have room, reads no more, and lets
 * the router of the next ctserve read.
 */
void router_stop(struct router *router);

/* Frees it; NULL is allowed. */
void router_close(struct router *router);

#endif
