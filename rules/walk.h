/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_WALK_H
#define RULES_WALK_H

#include <stddef.h>

struct model;
struct model_chain;
struct run;

/* Sends packets through the base chains of a ruleset as the kernel would. Pure. */

enum { WALK_HOOKS = 6, WALK_FAMILIES = 2 };

/* The base chains by hook and address family, in the order in which packets meet them. */
struct walk_order {
	const struct model_chain **chains[WALK_FAMILIES][WALK_HOOKS];
	size_t count[WALK_FAMILIES][WALK_HOOKS];
};

/* Takes memory from the model's arena. Returns 0 or -ENOMEM. */
int walk_prepare(struct model *model, struct walk_order *out);

/*
 * Sends run->packet on its way; run->world, model, packet, untrack and record are set, all else
 * is made anew. What came of it is in run.
 */
void walk(struct run *run, const struct walk_order *order);

#endif
