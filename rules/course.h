/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_COURSE_H
#define RULES_COURSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct model;
struct model_chain;

/* The base chains that packets meet, in order. Pure. */

enum { COURSE_FAMILIES = 2, COURSE_WAYS = 4 };

/* What a packet meets on its way, one after the other. */
enum course_stop_kind {
	COURSE_OURS, /* where our rules untrack; its chain is there if our table has it already */
	COURSE_CONNTRACK, /* where conntrack looks at it */
	COURSE_NAT,       /* a base chain that only new connections meet */
	COURSE_CHAIN,     /* a base chain */
};

struct course_stop {
	enum course_stop_kind kind;
	int hook; /* enum run_hook */
	int64_t priority;
	const struct model_chain *chain;
};

/* The ways by address family and enum packet_way. */
struct course {
	struct course_stop *stops[COURSE_FAMILIES][COURSE_WAYS];
	size_t count[COURSE_FAMILIES][COURSE_WAYS];
	/* Of these up to the last that may translate: who is followed only to see that goes no further. */
	size_t translating[COURSE_FAMILIES][COURSE_WAYS];
};

/* Takes memory from the arena. Returns 0 or -ENOMEM. */
int course_plan(const struct model *model, struct arena *arena, struct course *out);

/* Whether a chain of others at raw comes before ours, which is there already. */
bool course_is_preceded(const struct course *course);

/*
 * Turns the order around of chains that are in the same place but of different tables, ours among them, or beside conntrack:
 * which was registered last comes first, and the kernel lists tables and chains, not that. False if there are none that do
 * something.
 */
bool course_turn(struct course *course);

#endif
