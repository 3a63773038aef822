/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_TRACKING_H
#define CONNTRACK_TRACKING_H

#include <stdbool.h>
#include <stdint.h>

#include "conntrack/active.h"
#include "conntrack/demand.h"

struct nl;
struct table_counters;
struct table_usage;

/*
 * Whether the kernel tracks connections in the network namespace of the caller, as it was asked last.
 * Zero-initialise before use. Readers may read the first three.
 */
struct tracking {
	enum active active;
	int error; /* 0, or the -errno for which that is not known; -ENOSPC: the table is full */
	struct demand demand; /* of the rules, if not active */
	double probe_cost_s;  /* of the last, CPU time */
	uint64_t probed_ns;   /* this and the next: CLOCK_MONOTONIC; 0: never */
	uint64_t demand_ns;
	double demand_cost_s;
};

/*
 * Asks, if it is time: each 5 seconds, more seldom, up to once a minute, where that takes more than a
 * 5,000th of a core. Not while the table is full, for a probe would be lost, or take the place of
 * somebody's entry. What was lost or evicted since a moment ago tells it as well, and costs nothing.
 */
void tracking_look(struct tracking *tracking, struct nl *nl,
		   const struct table_usage *usage, const struct table_counters *since,
		   uint64_t now_ns);

/*
 * Whether the table overflows: it has lost or evicted flows just now. Each look for room evicts all
 * there is to evict in a bucket, so the count may be some below the limit.
 */
bool tracking_overflows(const struct table_usage *usage,
			const struct table_counters *since);

#endif
