// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/turnstile.h"

#include <math.h>

#include "lib/clock.h"

/* A bucket that leaks one each TURNSTILE_ONE_EACH_S, and takes TURNSTILE_AT_ONCE. */
bool turnstile_lets(struct turnstile *turnstile, uint64_t now_ns)
{
	double passed_s = clock_between_s(turnstile->at_ns, now_ns);

	turnstile->told = fmax(0, turnstile->told - passed_s / TURNSTILE_ONE_EACH_S);
	turnstile->at_ns = now_ns;
	if (turnstile->told > TURNSTILE_AT_ONCE - 1)
		return false;
	turnstile->told++;
	return true;
}

bool turnstile_sums(const struct turnstile *turnstile, uint64_t now_ns)
{
	return turnstile->came + turnstile->went > 0 &&
	       !clock_is_within(turnstile->sum_ns, now_ns, TURNSTILE_SUM_EACH_S);
}

void turnstile_forget(struct turnstile *turnstile, uint64_t now_ns)
{
	turnstile->came = turnstile->went = 0;
	turnstile->sum_ns = now_ns;
}
