// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/respite.h"

#include "lib/clock.h"

/* Times what the work took: all who share have less than a fifth of the time. */
static const double REST = 4;

bool respite_begin(struct respite *respite)
{
	if (clock_is_within(respite->ended_ns, clock_now_ns(), respite->seconds))
		return false;
	respite->begun_ns = clock_spent_ns();
	return true;
}

void respite_end(struct respite *respite, size_t sharers)
{
	double took_s = clock_between_s(respite->begun_ns, clock_spent_ns());

	respite->ended_ns = clock_now_ns();
	respite->seconds = REST * took_s * (double)(sharers ? sharers : 1);
}
