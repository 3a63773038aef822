/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_PRETENCE_H
#define GUARD_PRETENCE_H

struct policy_view;

/*
 * Turns what was seen of the table into what it would be without the services that are out only in
 * a rehearsal, from their share of it and of its growth. Pure.
 */
void pretence_apply(struct policy_view *view);

#endif
