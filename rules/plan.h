/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_PLAN_H
#define RULES_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/service.h"
#include "rules/layout.h"
#include "rules/terms.h"

struct ruleset;

/* What is done to which object of table inet ctkit. Each is one nft statement and one message. */
enum change_kind {
	CHANGE_ADD_TABLE,
	CHANGE_DELETE_TABLE,
	CHANGE_ADD_MAP,      /* map */
	CHANGE_ADD_HOOK,     /* hook: a base chain */
	CHANGE_DELETE_HOOK,  /* hook: with its rules */
	CHANGE_ADD_LOOKUP,   /* lookup: a rule of a base chain */
	CHANGE_ADD_CHAIN,    /* side, service */
	CHANGE_FLUSH_CHAIN,  /* side, service: deletes its rules */
	CHANGE_DELETE_CHAIN, /* side, service */
	CHANGE_ADD_UNTRACK,  /* side, service, untrack: a rule of its chain */
	CHANGE_ADD_LEASE,    /* map, side, service, lease_ms, holder: the map element */
	CHANGE_DELETE_LEASE, /* map, side, service */
};

/* Adding a table, a map or a chain that is there is no error and changes nothing. */
struct change {
	enum change_kind kind;
	unsigned map;
	enum layout_hook hook;
	unsigned lookup; /* for layout_lookup() */
	enum layout_side side;
	struct service service;
	struct untrack untrack;
	uint64_t lease_ms; /* 0: for ever */
	struct holder holder;
};

/*
 * The changes that lead from the ruleset as it is to the one that is wanted, to be made
 * together, in this order. Pure data. Zero-initialise before use; plan_free() it.
 */
struct plan {
	struct change *changes;
	size_t count;
	size_t capacity;
	bool failed; /* memory ran out: not all of them are there */
};

/*
 * Each returns 0; or, with no plan made: -EEXIST if the table is not ours (or another
 * process owns it), -ENOMEM, and what is said there.
 */

/*
 * service is out of tracking on these terms from now on, whatever its terms were before; its
 * counters go on. -EOPNOTSUPP if layout_unfit() or extent_unfit(), -ENOTUNIQ if a service that
 * overlaps is out (plan_rival()), -ENOSPC if the table holds RULESET_SERVICES_MAX others.
 */
int plan_add(struct plan *plan, const struct ruleset *ruleset,
	     const struct service *service, const struct terms *terms);

/*
 * Another service in the table that has a lease and packets in common with this one, or NULL. Each
 * of them would count and untrack what the other should.
 */
const struct service *plan_rival(const struct ruleset *ruleset,
				 const struct service *service);

/*
 * The leases of count services start anew, with the lease and the holder of terms; how much
 * of them is untracked stays. ruleset needs only be what ruleset_identify() reads. -ENOENT if
 * there is no table.
 */
int plan_refresh(struct plan *plan, const struct ruleset *ruleset,
		 const struct service *services, size_t count, const struct terms *terms);

/*
 * Nothing changes but that the kernel looks through the maps of service for leases that ran
 * out: in maps of ranges it does so only when they are changed, at most once a second.
 */
int plan_collect(struct plan *plan, const struct ruleset *ruleset,
		 const struct service *service);

/* service is tracked again; with the last one the table goes. -ENOENT if it is not there. */
int plan_delete(struct plan *plan, const struct ruleset *ruleset,
		const struct service *service);

/* The table is gone: no change if it is; what ruleset_identify() reads will do. */
int plan_flush(struct plan *plan, const struct ruleset *ruleset);

/*
 * Brings ruleset up to what it is once the plan was committed on top of it, generation
 * included. Counters and what is left of other leases stay as they were read.
 */
void plan_committed(const struct plan *plan, struct ruleset *ruleset);

void plan_free(struct plan *plan);

#endif
