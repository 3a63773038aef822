// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/growth.h"

#include <stdlib.h>

#include "lib/clock.h"

/* Of flows that come and go by chance as many more may come as the root of their number: so many times that. */
static const double DOUBT = 4;

/* Who is known to grow must explain this part of what the count rose. */
static const double EXPLAINED = 0.5;

/* A flow of the sample before, and where in that it was. */
struct past {
	uint32_t id;
	uint32_t rank;
};

static int compare_ids(const void *left, const void *right)
{
	const struct past *a = left, *b = right;

	return (a->id > b->id) - (a->id < b->id);
}

/*
 * Where the slice of one sample ends may be within that of the other: behind the last that was met
 * again nothing is known, unless the other was all of the table.
 */
static void count(const struct growth_sample *before, const struct growth_sample *now,
		  const uint32_t met[GROWTH_FLOWS], struct growth *out)
{
	bool stayed[GROWTH_FLOWS] = { false };
	uint32_t now_end = 0, before_end = 0;

	for (uint32_t i = 0; i < now->flows; i++) {
		if (met[i] == GROWTH_FLOWS)
			continue;
		stayed[met[i]] = true;
		now_end = i;
		if (met[i] > before_end)
			before_end = met[i];
	}
	/*
	 * Else, where none was met again, as after no sample at all, nobody is sure to have
	 * come.
	 */
	if (before->complete)
		now_end = now->flows;
	if (now->complete)
		before_end = before->flows;
	for (uint32_t i = 0; i < now_end; i++)
		out->came[now->flow[i].service] += met[i] == GROWTH_FLOWS;
	for (uint32_t i = 0; i < before_end; i++)
		out->gone[before->flow[i].service] += !stayed[i];
}

void growth_between(const struct growth_sample *before, const struct growth_sample *now,
		    struct growth *out)
{
	struct growth growth = {
		.seconds = clock_between_s(before->taken_ns, now->taken_ns),
		.counted = (double)now->entries - before->entries,
		.entries = now->flows ? (double)now->entries / now->flows : 0,
	};
	struct past past[GROWTH_FLOWS] = { 0 };
	uint32_t met[GROWTH_FLOWS]; /* rank in before of each; GROWTH_FLOWS: none */

	for (uint32_t i = 0; i < before->flows; i++)
		past[i] = (struct past){ .id = before->flow[i].id, .rank = i };
	qsort(past, before->flows, sizeof(past[0]), compare_ids);
	for (uint32_t i = 0; i < now->flows; i++) {
		const struct past key = { .id = now->flow[i].id };
		const struct past *found =
			bsearch(&key, past, before->flows, sizeof(past[0]), compare_ids);

		met[i] = found ? found->rank : GROWTH_FLOWS;
	}
	count(before, now, met, &growth);
	*out = growth;
}

/* Entries by which it grew, 0 if that may be chance. */
static double grown(const struct growth *growth, size_t i)
{
	double net = growth->came[i] - growth->gone[i];
	double moved = growth->came[i] + growth->gone[i];

	/* Of a service that was not there before, 16 flows of a sample are beyond chance. */
	if (net <= 0 || net * net < DOUBT * DOUBT * moved)
		return 0;
	return net * growth->entries;
}

void growth_apply(const struct growth *growth, struct policy_view *view)
{
	double total = grown(growth, POLICY_SERVICES_MAX);

	for (size_t i = 0; i < view->count; i++)
		total += grown(growth, i);
	if (total < EXPLAINED * growth->counted)
		total = 0;
	view->grown_total = total;
	view->grown_in_s = growth->seconds;
	for (size_t i = 0; i < view->count; i++)
		view->services[i].grown = total > 0 ? grown(growth, i) : 0;
}
