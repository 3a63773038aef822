/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_ACCEPTOR_H
#define SERVER_ACCEPTOR_H

#include <ev.h>

struct binding;
struct conn_ops;
struct context;

/* Accepts the connections of one TCP socket. In memory of the worker's. */
struct acceptor {
	ev_io io;
	ev_timer retry; /* while there was no descriptor for a connection */
	struct context *context;
	const struct conn_ops *ops;
};

/* Starts to accept at binding, whose socket stays the caller's. */
void acceptor_start(struct acceptor *acceptor, struct context *context,
		    const struct binding *binding);

/* Accepts what waits in the queue and stops. */
void acceptor_stop(struct acceptor *acceptor);

#endif
