/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_UDP_H
#define SERVER_UDP_H

#include <ev.h>
#include <stdbool.h>

#include "server/batch.h"

struct binding;
struct context;
struct udp_feed;

/* Serves one UDP socket. In memory of the worker's. */
struct udp {
	ev_io io;     /* runs while the queue is empty at times, */
	ev_idle busy; /* and this while it is not */
	struct batch_socket socket;
	struct batch *batch;
	int family;
	int hops;              /* that the socket is set to; 0: to none of ours */
	bool alone;            /* nobody else sets it */
	struct udp_feed *feed; /* of a feed */
	bool (*serve)(struct udp *udp); /* one batch; false: nothing is left */
};

/*
 * Starts to serve binding, whose socket stays the caller's, with batch, which it borrows.
 * Returns 0 or -ENOMEM.
 */
int udp_start(struct udp *udp, struct context *context, struct batch *batch,
	      const struct binding *binding);

/* Answers what waits in the queue, ends feeds and stops. */
void udp_stop(struct udp *udp);

#endif
