/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_CENSUS_H
#define GUARD_CENSUS_H

#include <stdbool.h>
#include <stdint.h>

#include "guard/policy.h"
#include "lib/service.h"

struct config;
struct nl;

/* Flows that one sample reads: 3 ms on a table of 262,144. */
enum { CENSUS_FLOWS = 1000 };

/* Who was in the table at one moment, by the services that the guard may act on. */
struct census {
	uint64_t taken_ns;                 /* 0: none was taken */
	uint32_t entries;                  /* the table's count then */
	uint32_t flows;                    /* how many of them were looked at */
	double stock[POLICY_SERVICES_MAX]; /* entries of each configured service */
	char top[SERVICE_TEXT_MAX]; /* whoever has most, allowed or not; "" if nobody */
	double top_share;
};

/*
 * Samples the table, which counts entries at now_ns. Returns 0 or -errno, *out then
 * unchanged.
 */
int census_take(struct nl *nl, const struct config *config, uint64_t now_ns,
		uint32_t entries, struct census *out);

/*
 * Writes stock, growth since the baseline, and the top into view. A baseline of a
 * table that was larger says nothing of growth and is left aside.
 */
void census_apply(const struct census *now, const struct census *baseline,
		  struct policy_view *view);

#endif
