/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_LEFTOVERS_H
#define GUARD_LEFTOVERS_H

struct config;
struct journal;
struct nl;
struct trouble;

/*
 * Takes away the budgets that an earlier guard has left for services that are not in config: they have no
 * lease, and nobody else would. Tells the journal of each; a rehearsal leaves them. nl is a conversation with
 * NETLINK_NETFILTER. What cannot be taken away is trouble; a table that is not ours is left alone.
 */
void leftovers_clear(struct nl *nl, const struct config *config, struct journal *journal,
		     struct trouble *trouble);

#endif
