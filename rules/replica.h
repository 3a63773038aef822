/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_REPLICA_H
#define RULES_REPLICA_H

struct copy;
struct copy_missing;

/*
 * In the network namespace of the calling thread, where the interfaces are already, by name and number: makes
 * addresses, routes, policy rules and the ruleset of the copy, but for our table. What the kernel refuses of
 * the first three goes to *missing; a ruleset that it refuses is an error, of which there is nothing
 * then. Returns 0 or -errno.
 */
int replica_make(const struct copy *copy, struct copy_missing *missing);

#endif
