/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_OUTCOME_H
#define GUARD_OUTCOME_H

struct chore;
struct remedy;

/* What came of the chores that a remedy asked for. */

/* One is done: what it brought is measured and told, also that it brought too little. */
void outcome_note(struct remedy *remedy, const struct chore *chore);

/* Has the open connections of the services that are out counted, but not all the time. */
void outcome_count(struct remedy *remedy);

#endif
