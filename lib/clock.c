// SPDX-License-Identifier: GPL-2.0-or-later
#include "lib/clock.h"

#include <stdio.h>
#include <time.h>

static uint64_t read_clock(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (uint64_t)now.tv_sec * CLOCK_NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t clock_now_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

uint64_t clock_spent_ns(void)
{
	return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

double clock_between_s(uint64_t from_ns, uint64_t to_ns)
{
	/* Signed: negative if to is the earlier one. */
	return (double)(int64_t)(to_ns - from_ns) / CLOCK_NS_PER_S;
}

bool clock_is_within(uint64_t then_ns, uint64_t now_ns, double seconds)
{
	return then_ns && clock_between_s(then_ns, now_ns) < seconds;
}

void clock_wall_text(char text[CLOCK_TEXT_MAX])
{
	struct timespec now;
	struct tm utc;
	size_t length;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	length = strftime(text, CLOCK_TEXT_MAX, "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(text + length, CLOCK_TEXT_MAX - length, ".%03ldZ",
		 now.tv_nsec / CLOCK_NS_PER_MS);
}
