// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/backoff.h"

#include "lib/clock.h"

void backoff_started(struct backoff *backoff, uint64_t now_ns)
{
	backoff->started_ns = now_ns;
}

/* One death may be an accident, also of a worker that has just come. */
static unsigned delay_ms(unsigned young)
{
	unsigned delay = BACKOFF_FIRST_MS;

	if (young < 2)
		return 0;
	while (young-- > 2 && delay < BACKOFF_MOST_MS)
		delay *= 2;
	return delay < BACKOFF_MOST_MS ? delay : BACKOFF_MOST_MS;
}

unsigned backoff_died(struct backoff *backoff, uint64_t now_ns)
{
	uint64_t lived_ms = (now_ns - backoff->started_ns) / CLOCK_NS_PER_MS;
	unsigned delay;

	backoff->young = lived_ms < BACKOFF_YOUNG_MS ? backoff->young + 1 : 0;
	delay = delay_ms(backoff->young);
	backoff->due_ns = now_ns + (uint64_t)delay * CLOCK_NS_PER_MS;
	return delay;
}
