/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_RANGES_H
#define RULES_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

/* Sets of numbers of up to 128 bits: addresses, ports, names of interfaces. Pure. */

/* A number of 128 bits. */
struct wide {
	uint64_t high;
	uint64_t low;
};

/* Both ends included. */
struct range {
	struct wide first;
	struct wide last;
};

/* Sorted, disjoint and not adjacent. Never changed once made; at belongs to an arena or is static. */
struct ranges {
	const struct range *at;
	size_t count;
};

enum { RANGES_BYTES_MAX = 16 };

/* The number of at most RANGES_BYTES_MAX bytes, the most significant first. */
struct wide wide_read(const void *data, size_t bytes);
void wide_write(struct wide value, void *data, size_t bytes);
struct wide wide_of(uint64_t value);
int wide_compare(struct wide a, struct wide b);

/* One more and one less; they wrap. */
struct wide wide_next(struct wide value);
struct wide wide_previous(struct wide value);

/* The greatest number of so many bytes. */
struct wide wide_greatest(size_t bytes);

/* Sorts and joins count ranges, as they come, in place. Returns the set of them. */
struct ranges ranges_normalise(struct range *at, size_t count);

bool ranges_have(const struct ranges *set, struct wide value);

/* Results are made in arena. They return 0, or -ENOMEM and leave *out alone. */
int ranges_intersect(struct arena *arena, const struct ranges *a, const struct ranges *b,
		     struct ranges *out);
int ranges_subtract(struct arena *arena, const struct ranges *a, const struct ranges *b,
		    struct ranges *out);

#endif
