/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_WALK_H
#define RULES_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct model;
struct model_chain;
struct run;

/* Sends packets through the base chains of a ruleset as the kernel would. Pure. */

enum { WALK_FAMILIES = 2, WALK_WAYS = 4 };

/* What a packet meets on its way, one after the other. */
enum walk_stop_kind {
	WALK_OURS,      /* where our rules untrack */
	WALK_CONNTRACK, /* where conntrack looks at it */
	WALK_NAT,       /* a base chain that only new connections meet */
	WALK_CHAIN,     /* a base chain */
};

struct walk_stop {
	enum walk_stop_kind kind;
	int hook; /* enum run_hook */
	int64_t priority;
	const struct model_chain *chain;
};

/* The ways by address family and enum packet_way. */
struct walk_order {
	struct walk_stop *stops[WALK_FAMILIES][WALK_WAYS];
	size_t count[WALK_FAMILIES][WALK_WAYS];
	/* Of these up to the last that may translate: who is followed only to see that goes no further. */
	size_t translating[WALK_FAMILIES][WALK_WAYS];
};

/* Takes memory from the arena. Returns 0 or -ENOMEM. */
int walk_prepare(const struct model *model, struct arena *arena, struct walk_order *out);

/*
 * Sends run->packet on its way; run->world, model, packet, untrack and record are set, all else
 * is made anew. What came of it is in run.
 */
void walk(struct run *run, const struct walk_order *order);

/*
 * Sends it again, for another case that begins as the world stood when walk() was called; from
 * where that case parts with the one before. False: there is none left, and the world is as it was
 * then.
 */
bool walk_again(struct run *run, const struct walk_order *order);

#endif
