// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/crests.h"

#include <math.h>

void crests_add(struct crests *crests, double seconds, double most, double least)
{
	struct crests_span *made = &crests->made;
	bool first = made->seconds <= 0;

	made->most = first ? most : fmax(made->most, most);
	made->least = first ? least : fmin(made->least, least);
	made->seconds += seconds;
	if (made->seconds < CRESTS_SPAN_S)
		return;
	crests->span[crests->next] = *made;
	crests->next = (crests->next + 1) % CRESTS_SPANS;
	if (crests->count < CRESTS_SPANS)
		crests->count++;
	*made = (struct crests_span){ 0 };
}

/* Those before the one that is being made: 0 is the last of them. */
static const struct crests_span *span_at(const struct crests *crests, size_t ago)
{
	return &crests->span[(crests->next + CRESTS_SPANS - 1 - ago) % CRESTS_SPANS];
}

bool crests_over(const struct crests *crests, double seconds, struct crests_halves *out)
{
	const struct crests_span *made = &crests->made;
	struct crests_halves halves = { .floor = INFINITY, .trough = INFINITY };
	double back_s = made->seconds;

	if (made->seconds > 0) {
		halves.newer = made->most;
		halves.trough = made->least;
	}
	for (size_t ago = 0; back_s < seconds; ago++) {
		const struct crests_span *span = span_at(crests, ago);

		if (ago == crests->count)
			return false;
		if (back_s >= seconds / 2) {
			halves.older = fmax(halves.older, span->most);
			halves.floor = fmin(halves.floor, span->least);
		} else {
			/* Also of one that reaches across the middle: it is not cut. */
			halves.newer = fmax(halves.newer, span->most);
			halves.trough = fmin(halves.trough, span->least);
		}
		back_s += span->seconds;
	}
	*out = halves;
	return true;
}
