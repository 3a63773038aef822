/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_ELEMENT_H
#define RULES_ELEMENT_H

struct nftnl_set_elem;
struct ruleset;

/*
 * Notes in the ruleset what an element of one of our table's maps says: a service, its lease and who
 * holds it. One that is none of ours is passed over. map is the number that layout.h gives it.
 * Returns 0, or -E2BIG if there are too many services. Pure.
 */
int element_note(struct nftnl_set_elem *elem, unsigned map, struct ruleset *ruleset);

#endif
