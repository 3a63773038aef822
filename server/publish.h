/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_PUBLISH_H
#define SERVER_PUBLISH_H

#include <stddef.h>
#include <stdint.h>

struct args_why;
struct presence;

/*
 * The message router's descriptors: the Unix datagram socket that publishers send to, and
 * a channel to each worker. Opened before the first worker is forked and inherited, so
 * that nothing that waits in them is lost when a worker is replaced. Opaque.
 */
struct publish;

/* The worker that reads what is published, and passes it on. */
enum { PUBLISH_ROUTER = 0 };

/* Descriptors that each worker, and for each the supervisor, needs more with a router. */
enum { PUBLISH_DESCRIPTORS = 2 };

/*
 * Binds path, for owner and group (0660), after removing a socket there that nobody
 * listens on. Returns 0, or -errno with one sentence in *why and nothing is open.
 */
int publish_open(struct publish **out, const char *path, unsigned workers,
		 struct args_why *why);

/* In a worker: closes what belongs to others. */
void publish_keep(struct publish *publish, unsigned worker);

/* The socket of the publishers, in the router. */
int publish_socket(const struct publish *publish);

/* The end of a worker's channel that the router writes to, and the one that the worker reads. */
int publish_outlet(const struct publish *publish, unsigned worker);
int publish_inlet(const struct publish *publish, unsigned worker);

unsigned publish_workers(const struct publish *publish);

/* Which worker may have which ids. */
struct presence *publish_presence(const struct publish *publish);

/* The hash of an ID (without "/test/"), the same in all processes of this run. */
uint32_t publish_hash(const struct publish *publish, const char *id, size_t bytes);

/* Removes the socket, in the process that opened it, and closes all; NULL is allowed. */
void publish_close(struct publish *publish);

#endif
