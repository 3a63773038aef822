// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/hist.h"

#include <math.h>

/* Values below HIST_SUBS are their own bucket; above, the top 8 bits of a value name it. */
static unsigned bucket_of(uint64_t value)
{
	unsigned shift;

	if (value < HIST_SUBS)
		return (unsigned)value;
	if (value >> HIST_VALUE_BITS)
		return HIST_BUCKETS - 1;
	shift = 63u - (unsigned)__builtin_clzll(value) - HIST_SUB_BITS;
	/* value >> shift is HIST_SUBS to 2 * HIST_SUBS - 1: a shift goes on where the last ends. */
	return shift * HIST_SUBS + (unsigned)(value >> shift);
}

/* The largest value of a bucket: what is told of a quantile is never too small */
static uint64_t upper_end(unsigned bucket)
{
	unsigned shift;

	if (bucket < HIST_SUBS)
		return bucket;
	shift = bucket / HIST_SUBS - 1;
	return (((uint64_t)bucket - shift * HIST_SUBS + 1) << shift) - 1;
}

void hist_add(struct hist *hist, uint64_t value)
{
	hist->counts[bucket_of(value)]++;
	hist->total++;
	if (value > hist->max)
		hist->max = value;
}

void hist_merge(struct hist *into, const struct hist *from)
{
	for (unsigned i = 0; i < HIST_BUCKETS; i++)
		into->counts[i] += from->counts[i];
	into->total += from->total;
	if (from->max > into->max)
		into->max = from->max;
}

uint64_t hist_quantile(const struct hist *hist, double q)
{
	double wanted = fmax(1, ceil(q * (double)hist->total));
	uint64_t seen = 0;

	for (unsigned i = 0; i < HIST_BUCKETS - 1; i++) {
		seen += hist->counts[i];
		if ((double)seen >= wanted) {
			uint64_t end = upper_end(i);

			return end < hist->max ? end : hist->max;
		}
	}
	return hist->max;
}
