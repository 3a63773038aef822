/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_DAMAGE_H
#define RULES_DAMAGE_H

struct ruleset;
struct text;

/* What somebody else's changes of our table leave of the services in it. Pure. */

/* Says of each service what of it works: active and damage. Nothing else is changed. */
void damage_assess(struct ruleset *ruleset);

/* Of which services not all is untracked, and what to do about it: a sentence; nothing if there is none. */
void damage_describe(const struct ruleset *ruleset, struct text *text);

#endif
