// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/rollcall.h"

#include <string.h>

#include "conntrack/flow.h"
#include "lib/clock.h"

/* Of the time that passes. */
static const double COST_SHARE = 0.01;

bool rollcall_is_due(const struct rollcall *rollcall, double part, uint64_t now_ns)
{
	if (!rollcall->asked)
		return false;
	return rollcall->tried_ns == 0 || clock_between_s(rollcall->tried_ns, now_ns) >=
						  rollcall->cost_s / (COST_SHARE * part);
}

void rollcall_begin(struct rollcall *rollcall)
{
	memset(rollcall->calling, 0, sizeof(rollcall->calling));
}

void rollcall_add(struct rollcall *rollcall, const struct host *host,
		  const struct flow *flow)
{
	for (size_t i = 0; rollcall->asked && i < rollcall->asked->count; i++) {
		if (attribute_is_of(host, flow, &rollcall->asked->service[i]))
			attribute_count(&rollcall->calling[i], flow);
	}
}

void rollcall_end(struct rollcall *rollcall, const struct rollcall_walk *walk)
{
	rollcall->tried_ns = walk->begun_ns;
	rollcall->cost_s = walk->cost_s;
	if (!walk->complete)
		return;
	memcpy(rollcall->row, rollcall->calling, sizeof(rollcall->row));
	rollcall->flows = walk->flows;
	rollcall->taken_ns = walk->begun_ns;
}
