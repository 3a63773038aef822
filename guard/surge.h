/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_SURGE_H
#define GUARD_SURGE_H

#include <stdint.h>

/* Looks that are remembered: close to the mark they are a quarter of a millisecond apart. */
enum { SURGE_LOOKS = 32 };

/*
 * How steep the last rise of the count was: what a flood that has just begun shows before the forecast, which
 * asks for trends, can tell its slope. Pure; zero-initialise.
 */
struct surge {
	unsigned
		looks; /* since the start; the last is at (looks - 1) modulo SURGE_LOOKS */
	struct {
		uint64_t ns;
		uint32_t entries;
	} look[SURGE_LOOKS];
};

/* Time that did not advance is left out. */
void surge_add(struct surge *surge, uint64_t now_ns, uint32_t entries);

/*
 * Entries per second over the shortest time until the last look in which the count rose by so many at
 * least; 0 if it did not within what is remembered.
 */
double surge_rate(const struct surge *surge, double rise);

#endif
