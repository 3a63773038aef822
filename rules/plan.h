/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_PLAN_H
#define RULES_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/service.h"
#include "rules/layout.h"

struct ruleset;

/* What is done to which object of table inet ctkit. Each is one nft statement and one message. */
enum change_kind {
	CHANGE_ADD_TABLE,
	CHANGE_DELETE_TABLE,
	CHANGE_ADD_MAP,      /* map */
	CHANGE_ADD_HOOK,     /* hook: a base chain */
	CHANGE_ADD_LOOKUP,   /* lookup: a rule of a base chain */
	CHANGE_ADD_CHAIN,    /* side, service */
	CHANGE_FLUSH_CHAIN,  /* side, service: deletes its rules */
	CHANGE_DELETE_CHAIN, /* side, service */
	CHANGE_ADD_NOTRACK,  /* side, service: the rule of its chain */
	CHANGE_ADD_LEASE,    /* side, service, lease_ms: the map element */
	CHANGE_DELETE_LEASE, /* side, service */
};

/* Adding a table, a map or a chain that is there is no error and changes nothing. */
struct change {
	enum change_kind kind;
	enum layout_map map;
	enum layout_hook hook;
	unsigned lookup; /* for layout_lookup() */
	enum layout_side side;
	struct service service;
	uint64_t lease_ms; /* 0: for ever */
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
 * service is out of tracking for lease_ms from now on (0: for ever). -EOPNOTSUPP if
 * layout_unfit(), -ENOSPC if the table holds RULESET_SERVICES_MAX others.
 */
int plan_add(struct plan *plan, const struct ruleset *ruleset,
	     const struct service *service, uint64_t lease_ms);

/*
 * The leases of count services start anew; ruleset needs only be what ruleset_identify()
 * reads. -ENOENT if there is no table.
 */
int plan_refresh(struct plan *plan, const struct ruleset *ruleset,
		 const struct service *services, size_t count, uint64_t lease_ms);

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
