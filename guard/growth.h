/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_GROWTH_H
#define GUARD_GROWTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guard/policy.h"

/*
 * Who makes the table grow: by the entries that a sample meets and the one before did not. The kernel
 * samples the same slice of the table each time, so others are met again. The count cannot tell
 * it, for entries that have expired stay in it until they are collected, and have no owner. Pure.
 */

/* Flows of a sample: 3 ms on a table of 262,144. */
enum { GROWTH_FLOWS = 1000 };

/* A flow of a sample. */
struct growth_flow {
	uint32_t id;      /* CTA_ID */
	uint32_t service; /* number of it; POLICY_SERVICES_MAX: nobody's */
};

/* A sample, in the order of the table. */
struct growth_sample {
	uint64_t taken_ns; /* 0: none was taken */
	uint32_t entries;  /* that the table counted then */
	uint32_t flows;
	bool complete; /* there are no others in the table */
	struct growth_flow flow[GROWTH_FLOWS];
};

/* What moved between two samples, in flows of the later one, by service; nobody's are last. */
struct growth {
	double seconds; /* from one to the other */
	double counted; /* entries by which the count rose; negative: it fell */
	double entries; /* of the table, for each flow of the sample */
	double came[POLICY_SERVICES_MAX + 1];
	double gone[POLICY_SERVICES_MAX + 1];
};

/* Compares them, as far into the table as both go. */
void growth_between(const struct growth_sample *before, const struct growth_sample *now,
		    struct growth *out);

/*
 * Writes into view who grew, beyond what chance may bring. Nobody's growth is known where that explains
 * less than half of what the count rose: then it is expired entries, or too few were met.
 */
void growth_apply(const struct growth *growth, struct policy_view *view);

#endif
