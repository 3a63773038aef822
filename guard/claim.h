/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_CLAIM_H
#define GUARD_CLAIM_H

#include <stdbool.h>

struct ruleset_service;

/* Who made the rules of guards. */
#define CLAIM_PROGRAM "ctguard"

/* What the rules that are there already say of a service, to a guard. */
struct claim {
	unsigned percent; /* that is out; 0: none */
	bool bounded;     /* by a budget, without a lease */
	bool held;        /* by somebody else's rule: not to be refreshed or given back */
	bool fixed;       /* held without a lease: nor to take more of it out */
};

/*
 * Reads them from row, NULL: there is none. Rules of an unknown maker are taken for a guard's; a
 * budget with a lease ends by itself and does not count. To a rehearsal all is somebody else's. Pure.
 */
struct claim claim_read(const struct ruleset_service *row, bool rehearse);

#endif
