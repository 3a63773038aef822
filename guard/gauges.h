/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_GAUGES_H
#define GUARD_GAUGES_H

#include <stdint.h>

#include "conntrack/table.h"

struct deeds;
struct status;
struct text;

/* What a page of the guard's metrics is written from; the pointers are borrowed. */
struct gauges {
	const struct status *status;
	const struct deeds *deeds;
	const uint64_t
		*counters; /* TABLE_COUNTERS totals of the kernel's; NULL: not known */
};

/* Adds the page in the Prometheus text format; labels are configured services only. Pure. */
void gauges_add(const struct gauges *gauges, struct text *text);

#endif
