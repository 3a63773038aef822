/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_PUBLISH_H
#define SERVER_PUBLISH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct args_why;
struct inheritance;
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

/* Descriptors that a ctserve leaves to the next: the socket, and whose turn it is to read it. */
enum { PUBLISH_HEIRLOOMS = 2 };

/*
 * Binds path, for owner and group (0660), after removing a socket there that nobody
 * listens on; or takes over the socket of a ctserve that was this process before, whose router
 * it stops: so nothing that is sent meanwhile goes to feeds that are about to end. Returns
 * 0, or -errno with one sentence in *why and nothing is open.
 */
int publish_open(struct publish **out, const char *path, unsigned workers,
		 struct inheritance *inheritance, struct args_why *why);

/* Writes what the next ctserve needs; returns how many (PUBLISH_HEIRLOOMS). They stay ours. */
size_t publish_heirlooms(const struct publish *publish, int *fds);

/* Publishers get EPIPE from now on; what they have sent can still be read. */
void publish_refuse(const struct publish *publish);

/*
 * In the router: asks to be the one who reads. Returns 0, or -EAGAIN if another router, of a ctserve
 * that was before, still does. Ends when the process does, or with publish_end_turn().
 */
int publish_take_turn(const struct publish *publish);
void publish_end_turn(const struct publish *publish);

/* In another worker: whether the router of this ctserve still reads. */
bool publish_is_read(const struct publish *publish);

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
