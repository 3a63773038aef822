/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_AWAITED_H
#define GUARD_AWAITED_H

#include <stddef.h>

struct policy_view;

/*
 * What was given back and has not come into the table yet: entries come with their packets, and it takes the
 * life of one until all are there. Pure.
 */

/*
 * Entries that there will be when all has come, and no fewer than there are: by what is out in part, whose other part is
 * about to show, and by what was given back less than a life ago.
 */
double awaited_entries(const struct policy_view *view);

/*
 * So many percent of service number i of view, which is of before that, are out from now on. If it was given back, what
 * that brings is awaited; if it was taken out nothing is, as what comes is seen anew.
 */
void awaited_note(struct policy_view *view, size_t i, unsigned percent);

#endif
