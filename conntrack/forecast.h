/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_FORECAST_H
#define CONNTRACK_FORECAST_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Estimates when the table will be full. Pure arithmetic: the caller brings the
 * clock, so tests can replay any history. Zero-initialise before use.
 * (Fields: the implementation's business; readers use the functions.)
 */
struct forecast {
	double level;     /* smoothed, entries */
	double slope;     /* smoothed, entries per second; negative: draining */
	uint64_t last_ns; /* CLOCK_MONOTONIC of the last sample; 0: none yet */
};

/* Adds a sample. Returns 0, or -EINVAL if time did not advance (state kept). */
int forecast_add(struct forecast *f, uint64_t now_ns, uint32_t entries);

/* Seconds from the last sample until limit is reached: 0 if it is, INFINITY if it will not be. */
double forecast_full_in(const struct forecast *f, uint32_t limit);

/*
 * Forgets the past after a step that is no trend, such as entries deleted at once:
 * the next sample starts anew from entries.
 */
void forecast_restart(struct forecast *f, uint64_t now_ns, uint32_t entries);

#endif
