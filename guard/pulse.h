/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_PULSE_H
#define GUARD_PULSE_H

#include <stdint.h>

#include "conntrack/forecast.h"
#include "conntrack/table.h"
#include "guard/headcount.h"
#include "guard/surge.h"

struct nl;
struct policy_view;

/* How many entries the table has, and how that moves. */
struct pulse {
	struct headcount headcount;
	struct forecast forecast;
	struct surge surge;
	uint32_t entries;    /* at the last count */
	uint64_t counted_ns; /* when that was */
	double climb;        /* entries per second from the one before to that */
};

/* Counts for the first time. nl must outlive it. Returns 0 or -errno, then nothing is to be closed. */
int pulse_open(struct pulse *out, struct nl *nl);

/* One that is zero is allowed. */
void pulse_close(struct pulse *pulse);

/* Counts, which changes nothing. Returns 0 or -errno. */
int pulse_count(const struct pulse *pulse, struct table_usage *out);

/* Only the entries, for a microsecond: fails where /proc hides them. Returns 0 or -errno. */
int pulse_glance(const struct pulse *pulse, uint32_t *entries);

/* So many were counted. Time that did not advance changes nothing but the last count. */
void pulse_note(struct pulse *pulse, uint64_t now_ns, uint32_t entries);

/* So many were counted, and the past says nothing about the future. */
void pulse_restart(struct pulse *pulse, uint32_t entries);

/* Writes how it moves towards usage's limit into view. */
void pulse_tell(const struct pulse *pulse, const struct table_usage *usage,
		struct policy_view *view);

#endif
