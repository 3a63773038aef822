/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_APPLY_H
#define RULES_APPLY_H

#include <stddef.h>
#include <stdint.h>

struct nl;
struct ruleset;
struct service;

/* Why the kernel (or we) refused, as one sentence. */
struct apply_why {
	char text[320];
};

/* A lease that never ends. */
enum { APPLY_FOREVER = 0 };

/*
 * Each of these is one atomic nft batch: after an error nothing has changed, but for
 * -ENOBUFS and -ETIMEDOUT (the acknowledgement was lost: read the ruleset). The batch is
 * for the generation of the ruleset that was read: if another program changed rules in
 * between, it is read and planned again, a bounded number of times, then -EAGAIN. They
 * refuse with -EEXIST a table inet ctkit that is not ours, or that another process owns,
 * and write the reason of any error into *why. Returns 0 or -errno: -EPERM without
 * CAP_NET_ADMIN, -EPROTONOSUPPORT without nf_tables, what plan.h says, or what the kernel
 * said.
 */

/*
 * Takes service out of tracking for lease_ms (APPLY_FOREVER: until deleted): makes the
 * table and the service's chains where they are missing and sets the elements. For a service that
 * is already there, its lease starts anew.
 */
int apply_add(struct nl *nl, const struct service *service, uint64_t lease_ms,
	      struct apply_why *why);

/*
 * The same from what is known already, which saves reading: one batch. A known that was
 * never read (generation 0) or is out of date is read. It is brought up to date by success,
 * but for counters and the time left of other leases; after an error read it again.
 */
int apply_add_known(struct nl *nl, struct ruleset *known, const struct service *service,
		    uint64_t lease_ms, struct apply_why *why);

/*
 * Starts the leases of count services anew, in one batch: a few microseconds each.
 * -ENOENT if the table, or the chain of one of them, is not there.
 */
int apply_refresh(struct nl *nl, const struct service *services, size_t count,
		  uint64_t lease_ms, struct apply_why *why);

/*
 * Gives service back to tracking: its elements and chains go, and with the last
 * service the table. -ENOENT if it is not there; -EBUSY for about a second after its lease
 * ran out, while the table has other services: the kernel has not yet collected its
 * elements.
 */
int apply_delete(struct nl *nl, const struct service *service, struct apply_why *why);

/* Deletes our table with all that is in it. Returns 0 also when there is none. */
int apply_flush(struct nl *nl, struct apply_why *why);

#endif
