/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_HOLDERS_H
#define CONNTRACK_HOLDERS_H

#include <stddef.h>
#include <stdint.h>

#include "conntrack/attribute.h"
#include "lib/process.h"

struct host;

enum { HOLDERS_SOCKETS_MAX = 1024, HOLDERS_SERVICES_MAX = 64 };

/*
 * Which processes hold the sockets of the services that were sampled. Remembers them, as finding
 * out takes a walk over /proc: that is done when a socket is new, when a process that was named has
 * ended or changed its name, and each 30 seconds, for sockets are handed on; all no more often than its
 * cost allows. Zero-initialise before use.
 */
struct holders {
	size_t services; /* those with a socket, in the order of their rows: */
	struct process service[HOLDERS_SERVICES_MAX]; /* inode is the row's */
	struct attribute by_process;                  /* sorted */

	uint64_t walked_ns; /* CLOCK_MONOTONIC; 0: never */
	double walk_cost_s;
	size_t barred; /* processes that may hold what was not found, but cannot be seen */
	size_t sockets;
	struct process socket[HOLDERS_SOCKETS_MAX];
};

/*
 * Brings them up to date with a sample: its sorted services and its flows by socket; netns is
 * the number of the namespace (lib/process.h), now_ns CLOCK_MONOTONIC.
 */
void holders_update(struct holders *holders, const struct host *host,
		    const struct attribute *services, const struct attribute *sockets,
		    uint64_t netns, uint64_t now_ns);

#endif
