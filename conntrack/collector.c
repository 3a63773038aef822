// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/collector.h"

#include <math.h>
#include <stddef.h>
#include <time.h>

#include "conntrack/lifetimes.h"

/* What gc_worker begins with: as if it had met so many, all with the longest interval to live. */
enum { INITIAL_COUNT = 100 };
static const double LEAST_S = 1, MOST_S = 60;

/* To which it clamps what an entry has to live. */
static const double LIVES_LEAST_S = 1, LIVES_MOST_S = 300;

/* The kernel tells whole seconds, rounded down. */
static const double ROUNDED_S = 0.5;

/* More never move the mean: it is further from none than LIVES_MOST_S, at 1000 ticks a second. */
enum { MET_MOST = 300000 };

double collector_interval_s(const struct lifetimes *l, double entries, double tick_s)
{
	double now_s = (double)l->taken_ns / 1e9;
	long mean = lround(MOST_S / tick_s), before = 0;
	/* Each is in two buckets. */
	size_t met = (size_t)fmin(2 * entries, MET_MOST), count = l->panel.count;

	for (size_t i = 0; count && i < met; i++) {
		double lives_s = l->panel.flow[i % count].deadline_s - now_s + ROUNDED_S;
		long ticks;

		/* Once round without a change: there will be none. */
		if (i % count == 0 && i > 0 && mean == before)
			break;
		if (i % count == 0)
			before = mean;
		lives_s = fmin(fmax(lives_s, LIVES_LEAST_S), LIVES_MOST_S);
		ticks = lround(lives_s / tick_s);
		mean += (ticks - mean) / (long)(INITIAL_COUNT + i + 1);
	}
	return fmin(fmax((double)mean * tick_s, LEAST_S), MOST_S);
}

double collector_tick_s(void)
{
	struct timespec tick;

	/* The coarse clock goes by ticks. */
	if (clock_getres(CLOCK_MONOTONIC_COARSE, &tick) < 0 || tick.tv_nsec <= 0)
		return 0.004;
	return (double)tick.tv_nsec / 1e9;
}
