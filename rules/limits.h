/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_LIMITS_H
#define RULES_LIMITS_H

struct model;

/* Finds chains that several expressions lead to. For model_complete(), before uses are counted twice there. */
void limits_find_shared(struct model *model);

/*
 * Finds limits that several expressions ask: what one packet uses up of them is not left for another. Of a limit that is
 * a rule's own, who comes to the rule sees as much. For model_complete(), when names are resolved. Returns 0 or -ENOMEM.
 */
int limits_find(struct model *model);

#endif
