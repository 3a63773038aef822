/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_UDP_H
#define SERVER_UDP_H

#include <ev.h>
#include <stdbool.h>

struct binding;
struct context;

/*
 * What receives and answers a batch of datagrams. One is enough for all sockets of a
 * worker. Opaque: it owns memory.
 */
struct udp_batch;

/* Returns 0 or -errno. */
int udp_batch_open(struct udp_batch **out);

/* Frees it; NULL is allowed. */
void udp_batch_close(struct udp_batch *batch);

/* Serves one UDP socket. In memory of the worker's. */
struct udp {
	ev_io io;
	struct context *context;
	struct udp_batch *batch;
	bool fragments;                 /* are switched off, and on for what needs them */
	bool (*serve)(struct udp *udp); /* one batch; false when the queue was emptied */
};

/* Starts to serve binding, whose socket stays the caller's, with batch, which it borrows. */
void udp_start(struct udp *udp, struct context *context, struct udp_batch *batch,
	       const struct binding *binding);

/* Answers what waits in the queue and stops. */
void udp_stop(struct udp *udp);

#endif
