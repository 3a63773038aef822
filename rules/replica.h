/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_REPLICA_H
#define RULES_REPLICA_H

struct copy;
struct copy_missing;
struct watch;

/*
 * In the network namespace of the calling thread, where the interfaces are already, by name and number: makes
 * addresses, nexthops, routes, policy rules and the ruleset of the copy, but for our table. What the
 * kernel refuses goes to *missing; for the ruleset and watch see rules/batch.h. Returns 0 or
 * -errno.
 */
int replica_make(const struct copy *copy, const struct watch *watch,
		 struct copy_missing *missing);

#endif
