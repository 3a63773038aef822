// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/pacer.h"

#include <assert.h>

#include "lib/clock.h"

void pacer_start(struct pacer *pacer, uint64_t now_ns, uint64_t rate)
{
	assert(rate > 0 && rate <= PACER_RATE_MAX);
	*pacer = (struct pacer){ .start_ns = now_ns, .rate = rate, .stride = 1 };
}

void pacer_share(struct pacer *pacer, uint64_t processes, uint64_t index)
{
	assert(index < processes);
	pacer->stride = processes;
	pacer->first = index;
}

uint64_t pacer_time_ns(const struct pacer *pacer, uint64_t i)
{
	uint64_t events = pacer->first + (i - pacer->base) * pacer->stride;
	uint64_t part_ns = events % pacer->rate * CLOCK_NS_PER_S;

	/*
	 * Whole seconds first: events * 10^9 would overflow. Rounded up, so that event i
	 * is due at its own time and not a nanosecond later.
	 */
	return pacer->start_ns + events / pacer->rate * CLOCK_NS_PER_S +
	       (part_ns + pacer->rate - 1) / pacer->rate;
}

uint64_t pacer_due(const struct pacer *pacer, uint64_t now_ns)
{
	uint64_t passed_ns, last;

	if (now_ns < pacer->start_ns)
		return 0;
	passed_ns = now_ns - pacer->start_ns;
	/* In two parts, as above. */
	last = passed_ns / CLOCK_NS_PER_S * pacer->rate +
	       passed_ns % CLOCK_NS_PER_S * pacer->rate / CLOCK_NS_PER_S;
	if (last < pacer->first)
		return 0;
	last = pacer->base + (last - pacer->first) / pacer->stride;
	return last + 1 > pacer->taken ? last + 1 - pacer->taken : 0;
}

void pacer_take(struct pacer *pacer, uint64_t n)
{
	pacer->taken += n;
}

uint64_t pacer_next_ns(const struct pacer *pacer)
{
	return pacer_time_ns(pacer, pacer->taken);
}

void pacer_resume(struct pacer *pacer, uint64_t now_ns)
{
	if (pacer_next_ns(pacer) >= now_ns)
		return;
	pacer->base = pacer->taken;
	pacer->first = 0;
	pacer->start_ns = now_ns;
}
