// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/tally.h"

void tally_add(struct tally *tally, int err, uint64_t n)
{
	unsigned number = err < 0 ? 0u - (unsigned)err : (unsigned)err;

	tally->by_errno[number < TALLY_ERRNOS ? number : 0] += n;
}

void tally_merge(struct tally *into, const struct tally *from)
{
	for (unsigned i = 0; i < TALLY_ERRNOS; i++)
		into->by_errno[i] += from->by_errno[i];
}

uint64_t tally_total(const struct tally *tally)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < TALLY_ERRNOS; i++)
		total += tally->by_errno[i];
	return total;
}

int tally_worst(const struct tally *tally)
{
	int worst = 0;

	for (int i = 1; i < TALLY_ERRNOS; i++) {
		if (tally->by_errno[i] > tally->by_errno[worst])
			worst = i;
	}
	return worst;
}
