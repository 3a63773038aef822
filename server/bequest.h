/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_BEQUEST_H
#define SERVER_BEQUEST_H

#include <stddef.h>
#include <sys/types.h>

/* Where it is written down: environment variables. The first is the process that may take it. */
#define BEQUEST_PID     "CTSERVE_PID"
#define BEQUEST_SOCKETS "CTSERVE_SOCKETS"
#define BEQUEST_WORKERS "CTSERVE_WORKERS"
#define BEQUEST_ROUTER  "CTSERVE_ROUTER"

/* What one ctserve leaves to the next, which finds it by server/inheritance.h. All borrowed. */
struct bequest {
	const int *sockets; /* that listen */
	size_t socket_count;
	const pid_t *workers; /* that still serve */
	size_t worker_count;
	const int *router; /* descriptors of the message router */
	size_t router_count;
};

/*
 * Runs argv in the place of this process, and leaves it descriptors and workers. Returns only
 * if that is not possible: -errno, and nothing has changed.
 */
int bequest_leave(char *const argv[], const struct bequest *bequest);

/* Sets a variable to a list of numbers, like "7-12,15-15". Returns 0 or -ENOMEM. */
int bequest_set_list(const char *name, const int *numbers, size_t count);

#endif
