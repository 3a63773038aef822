/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_HISTORY_H
#define CONNTRACK_HISTORY_H

#include <stddef.h>
#include <stdint.h>

/*
 * How many entries there were, for a chart: the peak of each step of time. Pure: the caller
 * brings the clock (CLOCK_MONOTONIC, nanoseconds). Zero-initialise before use. Bounded: the
 * oldest points are overwritten. Steps may change in length; what is remembered keeps its time.
 */
enum { HISTORY_POINTS = 512 };

struct history_point {
	uint64_t from_ns;
	uint64_t until_ns; /* when it was last looked */
	uint32_t peak;
};

struct history {
	size_t next;   /* where the next point goes; the newest is before it */
	size_t points; /* how many are known */
	struct history_point point[HISTORY_POINTS];
};

/* Adds a look at the table: to the newest point while its step lasts, else as a new one. */
void history_add(struct history *history, uint64_t now_ns, uint64_t step_ns,
		 uint32_t entries);

/* A column of a chart that nothing is known of. */
enum { HISTORY_UNKNOWN = -1 };

/*
 * The peaks of the last steps, the newest last: columns[0..count-1]. The boundaries of steps are
 * multiples of step_ns, so that the past does not change its shape from one chart to the next.
 */
void history_columns(const struct history *history, uint64_t now_ns, uint64_t step_ns,
		     int64_t columns[], size_t count);

#endif
