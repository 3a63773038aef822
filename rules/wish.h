/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_WISH_H
#define RULES_WISH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct plan;
struct ruleset;
struct service;
struct terms;

/* What table inet ctkit shall be changed to. Pure. */
struct wish {
	enum { WISH_ADD, WISH_REFRESH, WISH_COLLECT, WISH_DELETE, WISH_FLUSH } kind;
	const struct service *services;
	size_t count;
	const struct terms *terms; /* ADD, REFRESH */
};

/* Plans it with the plan_ function of its name. */
int wish_plan(const struct wish *wish, const struct ruleset *ruleset, struct plan *plan);

/*
 * Whether ruleset is as it was wished, and its leases are no older than age_ms: tells
 * what became of a batch that was sent that long ago and whose answer was lost. Never true
 * for COLLECT.
 */
bool wish_fulfilled(const struct wish *wish, const struct ruleset *ruleset,
		    uint64_t age_ms);

#endif
