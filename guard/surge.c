// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/surge.h"

#include "lib/clock.h"

void surge_add(struct surge *surge, uint64_t now_ns, uint32_t entries)
{
	unsigned last = (surge->looks - 1) % SURGE_LOOKS;

	if (surge->looks && now_ns <= surge->look[last].ns)
		return;
	surge->look[surge->looks % SURGE_LOOKS].ns = now_ns;
	surge->look[surge->looks % SURGE_LOOKS].entries = entries;
	surge->looks++;
}

double surge_rate(const struct surge *surge, double rise)
{
	unsigned last = (surge->looks - 1) % SURGE_LOOKS;

	for (unsigned ago = 1; ago < SURGE_LOOKS && ago < surge->looks; ago++) {
		unsigned then = (surge->looks - 1 - ago) % SURGE_LOOKS;
		double came =
			(double)surge->look[last].entries - surge->look[then].entries;

		/* Never over no time: looks at which it did not advance are left out. */
		if (came >= rise)
			return came / clock_between_s(surge->look[then].ns,
						      surge->look[last].ns);
	}
	return 0;
}
