/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_CAPACITY_H
#define SERVER_CAPACITY_H

#include <stdint.h>

struct args_why;

enum {
	CAPACITY_WORKERS_MAX = 4096,
	CAPACITY_RESERVE = 24, /* descriptors of a process that are no sockets of ours */
};

/* What the number of worker processes follows from. */
struct capacity {
	uint64_t descriptors; /* a process may have (RLIMIT_NOFILE) */
	unsigned cpus;
	unsigned sockets;     /* listening sockets of each worker */
	unsigned workers;     /* asked for; 0: as many as it takes */
	uint64_t connections; /* to make room for; 0: does not matter */
};

/*
 * How many workers it takes. The kernel spreads connections over them by a hash, so each
 * keeps room for more than its average. Returns 0, or -ERANGE with one sentence in *why
 * when that does not fit under the limit of descriptors. Pure.
 */
int capacity_workers(const struct capacity *capacity, unsigned *out,
		     struct args_why *why);

#endif
