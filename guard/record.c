// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/record.h"

const double RECORD_BOUND_S[RECORD_BOUNDS] = { 0.0005, 0.001, 0.002, 0.005, 0.01,
					       0.02,   0.05,  0.1,   0.5,   1 };

void record_engagement(struct record *record, double seconds)
{
	size_t i = 0;

	while (i < RECORD_BOUNDS && seconds > RECORD_BOUND_S[i])
		i++;
	record->engagements++;
	record->decisions[i]++;
	record->decisions_s += seconds;
}
