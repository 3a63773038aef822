/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_BACKOFF_H
#define SERVER_BACKOFF_H

#include <stdint.h>

/*
 * When a worker that died is started again: at once, unless those before it died young
 * as well; then later each time. Pure: the caller brings the clock (CLOCK_MONOTONIC, ns).
 * Zero-initialise before use.
 */
struct backoff {
	uint64_t started_ns;
	uint64_t due_ns; /* of the next start */
	unsigned young;  /* deaths in a row that came too early */
};

/* A worker that lives for so long has shown that it can. */
enum { BACKOFF_YOUNG_MS = 1000, BACKOFF_FIRST_MS = 1000, BACKOFF_MOST_MS = 30000 };

/* It is started now. */
void backoff_started(struct backoff *backoff, uint64_t now_ns);

/* It has died: sets due_ns, and returns the delay in milliseconds. */
unsigned backoff_died(struct backoff *backoff, uint64_t now_ns);

#endif
