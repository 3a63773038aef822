/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_INHERITANCE_H
#define SERVER_INHERITANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "server/socket.h"

struct args_why;

/*
 * What whoever started this process has left to it: listening sockets of a service
 * manager (LISTEN_FDS, sd_listen_fds(3)), or the sockets and workers of the ctserve that
 * was this process before. Zero-initialise before use; it owns the descriptors until
 * inheritance_close().
 */
struct inheritance {
	bool replacing; /* a ctserve that was this process before */
	struct heirloom *sockets;
	size_t count;
	pid_t *workers; /* that still serve */
	size_t worker_count;
	int *router; /* what the message router has, in publish's order; NULL: nothing */
	size_t router_count;
};

/*
 * Reads the environment variables and removes them. Returns 0, also if nothing was left,
 * or -errno with one sentence in *why: a descriptor is no socket that listens, or a
 * variable is not as it should be.
 */
int inheritance_take(struct inheritance *out, struct args_why *why);

/*
 * The sockets of proto at address; at most max of them into fds, still owned by
 * inheritance. Returns how many were written, and remembers that they are wanted.
 */
size_t inheritance_find(struct inheritance *inheritance, int proto,
			const union socket_address *address, int *fds, size_t max);

/* Whether an IPv6 socket for TCP at port also takes what comes over IPv4. */
bool inheritance_takes_both(const struct inheritance *inheritance, uint16_t port);

/*
 * The descriptors of the message router: count of them, which are the caller's now. Returns
 * false if there are not exactly so many; then they stay where they are.
 */
bool inheritance_take_router(struct inheritance *inheritance, int *fds, size_t count);

/* Returns 0, or -EINVAL with one sentence about a socket that inheritance_find() never found. */
int inheritance_check(const struct inheritance *inheritance, struct args_why *why);

/* Lets the workers of before drain: there are others now. */
void inheritance_retire(const struct inheritance *inheritance);

/* Closes the sockets and forgets all; again is allowed. */
void inheritance_close(struct inheritance *inheritance);

#endif
