/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_WALK_H
#define RULES_WALK_H

#include <stdbool.h>

struct course;
struct run;

/* Sends packets through the base chains of a ruleset as the kernel would. Pure. */

/*
 * Sends run->packet on its way; run->world, model, packet, untrack and record are set, all else
 * is made anew. What came of it is in run.
 */
void walk(struct run *run, const struct course *order);

/*
 * Sends it again, for another case that begins as the world stood when walk() was called; from
 * where that case parts with the one before. False: there is none left, and the world is as it was
 * then.
 */
bool walk_again(struct run *run, const struct course *order);

#endif
