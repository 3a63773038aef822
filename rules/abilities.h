/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_ABILITIES_H
#define RULES_ABILITIES_H

struct model;

/*
 * Finds out what rules and chains can do at all (enum model_effect), with what the chains can that they
 * may go to. Names are resolved. What is not known can do anything.
 */
void abilities_find(struct model *model);

#endif
