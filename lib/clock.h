/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIB_CLOCK_H
#define LIB_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

enum { CLOCK_NS_PER_MS = 1000000, CLOCK_NS_PER_S = 1000000000 };

enum { CLOCK_TEXT_MAX = 40 };

/* CLOCK_MONOTONIC in nanoseconds: the only clock that durations are taken from. */
uint64_t clock_now_ns(void);

/* CPU time of the calling thread in nanoseconds: what something costs, however busy the machine is. */
uint64_t clock_spent_ns(void);

/* Seconds from one reading to a later one; negative if they are swapped. */
double clock_between_s(uint64_t from_ns, uint64_t to_ns);

/* Whether then_ns, where 0 is never, is less than that many seconds ago. */
bool clock_is_within(uint64_t then_ns, uint64_t now_ns, double seconds);

/*
 * The wall-clock time in UTC with milliseconds, as RFC 3339 writes it:
 * "2026-11-21T21:44:24.802Z". For readers only: no duration is taken from it.
 */
void clock_wall_text(char text[CLOCK_TEXT_MAX]);

#endif
