/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_UDP_FEED_H
#define SERVER_UDP_FEED_H

#include <stdbool.h>

struct batch;
struct batch_socket;
struct context;

/*
 * A feed over UDP: one socket and its subscribers, who get a line per interval as long as
 * they renew their leases. The wire is that of server/frame.h. Opaque: owns the subscribers
 * and a timer of the context's loop.
 */
struct udp_feed;

/* Borrows all of them. Returns 0 or -ENOMEM. */
int udp_feed_open(struct udp_feed **out, struct context *context, struct batch *batch,
		  const struct batch_socket *socket);

/* Serves one batch of what came in. Returns false when the queue was emptied. */
bool udp_feed_serve(struct udp_feed *feed);

/* Tells all subscribers that it ends, and frees them. NULL is allowed. */
void udp_feed_close(struct udp_feed *feed);

#endif
