/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_APPLY_H
#define RULES_APPLY_H

#include <stddef.h>
#include <stdint.h>

struct nl;
struct ruleset;
struct service;
struct terms;

/* Why the kernel (or we) refused, as one sentence. */
struct apply_why {
	char text[320];
};

/*
 * Each of these is one atomic nft batch: after an error nothing has changed. If the
 * acknowledgement is lost, the ruleset is read again: it is a success if that shows what was
 * asked for, else -ENOBUFS or -ETIMEDOUT, and *why says whether it could be read. The batch is
 * for the generation of the ruleset that was read: if another program changed rules in
 * between, it is read and planned again, a bounded number of times, then -EAGAIN. They
 * refuse with -EEXIST a table inet ctkit that is not ours, or that another process owns,
 * and write the reason of any error into *why. Returns 0 or -errno: -EPERM without
 * CAP_NET_ADMIN, -EPROTONOSUPPORT without nf_tables, what plan.h says, or what the kernel
 * said.
 */

/*
 * Takes service out of tracking on these terms: makes the table and the service's chains where
 * they are missing and sets the elements. A service that is already there gets the new
 * terms in the same batch, from any to any: no packet meets neither the old nor the new. Its
 * lease starts anew and its counters go on.
 */
int apply_add(struct nl *nl, const struct service *service, const struct terms *terms,
	      struct apply_why *why);

/*
 * The same from what is known already, which saves reading: one batch. A known that was
 * never read (generation 0) or is out of date is read. It is brought up to date by success,
 * but for counters and the time left of other leases; after an error read it again.
 */
int apply_add_known(struct nl *nl, struct ruleset *known, const struct service *service,
		    const struct terms *terms, struct apply_why *why);

/*
 * The same for those who judged the ruleset of known's generation: one that has changed since is not
 * planned for anew, but -ERESTART. known must have been read.
 */
int apply_add_judged(struct nl *nl, struct ruleset *known, const struct service *service,
		     const struct terms *terms, struct apply_why *why);

/*
 * Starts the leases of count services anew, in one batch: a few microseconds each. Of
 * terms, lease and holder count; how much is untracked stays. -ENOENT if the table, or the
 * chain of one of them, is not there.
 */
int apply_refresh(struct nl *nl, const struct service *services, size_t count,
		  const struct terms *terms, struct apply_why *why);

/*
 * Gives service back to tracking: its elements and chains go, and with the last
 * service the table. -ENOENT if it is not there; -EBUSY for about a second after its lease
 * ran out, while the table has other services: the kernel has not yet collected its
 * elements. Those of ranges it collects only when asked, which this does: try again.
 */
int apply_delete(struct nl *nl, const struct service *service, struct apply_why *why);

/* The same, but waits while it is -EBUSY: about a second, at most ten. */
int apply_delete_patiently(struct nl *nl, const struct service *service,
			   struct apply_why *why);

/* Deletes our table with all that is in it. Returns 0 also when there is none. */
int apply_flush(struct nl *nl, struct apply_why *why);

#endif
