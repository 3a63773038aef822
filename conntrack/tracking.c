// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/tracking.h"

#include <errno.h>
#include <math.h>

#include "conntrack/table.h"
#include "lib/clock.h"

/*
 * Whether conntrack is active is asked so often, more seldom where that takes more than this part of a
 * core: the kernel spins for a lock while others fill or dump tables.
 */
static const double PROBE_EVERY_S = 5, PROBE_SELDOM_S = 60, PROBE_SHARE = 0.0002;

/* Of the time, for reading rules, which may be very many. */
static const double DEMAND_SHARE = 0.001;

/*
 * What must be free for a probe, as a part of the limit: of a flood of 100,000 flows a second some
 * hundred come while it is on its way. And within what part a table that lost flows is still full.
 */
enum { PROBE_ROOM_PART = 1000, OVERFLOW_PART = 100 };

static bool is_due(uint64_t last_ns, uint64_t now_ns, double every_s)
{
	return last_ns == 0 || clock_between_s(last_ns, now_ns) >= every_s;
}

/* All of the limit but a part of it; a limit of 0 is none. */
static bool is_near_full(const struct table_usage *usage, uint32_t part)
{
	return usage->limit && usage->entries + usage->limit / part >= usage->limit;
}

static bool has_lost(const struct table_counters *since)
{
	return since->drop || since->early_drop;
}

static void read_demand(struct tracking *tracking, struct nl *nl, uint64_t now_ns)
{
	if (!is_due(tracking->demand_ns, now_ns, tracking->demand_cost_s / DEMAND_SHARE))
		return;
	demand_read(nl, &tracking->demand);
	tracking->demand_ns = now_ns;
	tracking->demand_cost_s = clock_between_s(now_ns, clock_now_ns());
}

static void probe(struct tracking *tracking, struct nl *nl, uint64_t now_ns)
{
	double every_s = fmax(PROBE_EVERY_S, tracking->probe_cost_s / PROBE_SHARE);
	uint64_t spent_ns = clock_spent_ns();

	if (!is_due(tracking->probed_ns, now_ns, fmin(every_s, PROBE_SELDOM_S)))
		return;
	tracking->probed_ns = now_ns;
	tracking->error = active_probe(nl, &tracking->active);
	tracking->probe_cost_s = clock_between_s(spent_ns, clock_spent_ns());
	if (tracking->error)
		tracking->active = ACTIVE_UNKNOWN;
	if (tracking->active == ACTIVE_NO)
		read_demand(tracking, nl, now_ns);
}

void tracking_look(struct tracking *tracking, struct nl *nl,
		   const struct table_usage *usage, const struct table_counters *since,
		   uint64_t now_ns)
{
	if (has_lost(since)) {
		tracking->active = ACTIVE_YES;
		tracking->error = 0;
	} else if (!is_near_full(usage, PROBE_ROOM_PART)) {
		probe(tracking, nl, now_ns);
	} else if (tracking->active == ACTIVE_UNKNOWN) {
		tracking->error = -ENOSPC;
	}
}

bool tracking_overflows(const struct table_usage *usage,
			const struct table_counters *since)
{
	return has_lost(since) && is_near_full(usage, OVERFLOW_PART);
}
