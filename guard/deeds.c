// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/deeds.h"

const double DEEDS_BOUND_S[DEEDS_BOUNDS] = { 0.0001, 0.00025, 0.0005, 0.001,
					     0.0025, 0.005,   0.01,   0.025,
					     0.05,   0.1,     0.5,    1 };

void deeds_engagement(struct deeds *deeds, double seconds)
{
	size_t i = 0;

	while (i < DEEDS_BOUNDS && seconds > DEEDS_BOUND_S[i])
		i++;
	deeds->engagements++;
	deeds->decisions[i]++;
	deeds->decisions_s += seconds;
}
