/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_CRESTS_H
#define CONNTRACK_CRESTS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A memory of what a table came to, up and down: the most and the least entries of each 4 s, for four
 * minutes. That is longer than what lives two minutes, as the kernel's defaults have it, takes to be replaced and
 * collected. Zero-initialise before use. Pure.
 */
enum { CRESTS_SPANS = 64 };

#define CRESTS_SPAN_S 4.0

struct crests_span {
	double seconds;
	double most, least;
};

struct crests {
	struct crests_span made; /* the one that is being made; no seconds: none is */
	size_t next;
	size_t count;
	struct crests_span span[CRESTS_SPANS];
};

/* Adds the most and the least entries of the time that follows what was added before. */
void crests_add(struct crests *crests, double seconds, double most, double least);

/* The time up to now in two halves. */
struct crests_halves {
	double older;  /* the most entries in the older */
	double newer;  /* and in the newer */
	double floor;  /* the least in the older */
	double trough; /* and in the newer */
};

/* The last so many seconds, above 0. Returns false, and leaves *out, if it does not go back as far. */
bool crests_over(const struct crests *crests, double seconds, struct crests_halves *out);

#endif
