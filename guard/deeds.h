/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_DEEDS_H
#define GUARD_DEEDS_H

#include <stddef.h>
#include <stdint.h>

enum { DEEDS_BOUNDS = 12 };

/* Upper bounds of the time from trigger to committed rule, in seconds. */
extern const double DEEDS_BOUND_S[DEEDS_BOUNDS];

/* What the guard has done, counted. Zero-initialise before use. */
struct deeds {
	uint64_t engagements;
	uint64_t releases;
	uint64_t restorations; /* rules put back that another tool had swept away */
	uint64_t failures;     /* changes that the kernel refused */
	uint64_t looks;
	/* Engagements by how long they took: counts[i] above bound i - 1 and at most bound i. */
	uint64_t decisions[DEEDS_BOUNDS + 1];
	double decisions_s; /* all together */
};

/* A service was taken out, seconds after the look that triggered it. */
void deeds_engagement(struct deeds *deeds, double seconds);

#endif
