/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_HIST_H
#define SERVER_HIST_H

#include <stdint.h>

/*
 * Values below 2^40 (18 minutes in nanoseconds) in buckets that are exact below 128 and
 * then 1/128 of a power of two wide: a quantile is at most 0.8 % too high, never too low.
 */
enum {
	HIST_SUB_BITS = 7,
	HIST_SUBS = 1 << HIST_SUB_BITS,
	HIST_VALUE_BITS = 40,
	HIST_BUCKETS = (HIST_VALUE_BITS - HIST_SUB_BITS + 1) * HIST_SUBS + 1,
};

/* A plain value, without pointers: it may live in memory that processes share. Zero: empty. */
struct hist {
	uint64_t total;
	uint64_t max; /* exact, also beyond 2^40 */
	uint64_t counts[HIST_BUCKETS];
};

/* Records one value; what is 2^40 or more has the last bucket for itself. */
void hist_add(struct hist *hist, uint64_t value);

/* Adds all that from recorded, as if into had recorded it. */
void hist_merge(struct hist *into, const struct hist *from);

/*
 * The value that a share q (0..1) of the records does not exceed: the upper end of its
 * bucket, at most max. 0 if nothing was recorded.
 */
uint64_t hist_quantile(const struct hist *hist, double q);

#endif
