/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_REMEDY_H
#define GUARD_REMEDY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guard/deeds.h"
#include "guard/limit.h"
#include "guard/status.h"

struct apply_why;
struct chores;
struct config;
struct custody;
struct journal;
struct leases;
struct log;
struct lookout;
struct policy_decision;
struct trouble;

/*
 * Carries out what the policy decides: changes rules, deletes entries, writes down what
 * came of it. The pointers are borrowed; zero-initialise the rest.
 */
struct remedy {
	const struct config *config;
	const struct log *log;
	struct journal *journal;
	struct lookout *lookout;
	struct leases *leases;
	struct custody *custody;
	struct trouble *trouble;
	struct nl *nl; /* reads the ruleset */
	struct chores *chores;
	bool rehearse;             /* rules are not changed, so no entries are deleted */
	struct deeds deeds;        /* of what was done */
	bool paused;               /* by order: nothing is carried out */
	bool standing_down;        /* nor while somebody wants no rules of ours */
	struct limit_change limit; /* by this guard, or one before it */
	bool helpless;        /* the table fills, and nothing that is allowed helps */
	uint64_t filling_ns;  /* when that was last so */
	uint64_t retry_ns;    /* no change before this, because one failed; 0: none did */
	uint64_t counted_ns;  /* when connections were last counted; 0: never */
	double count_every_s; /* not more often than this */
	uint64_t
		complained_ns; /* last word about a table that cannot be relieved; 0: none */
};

/*
 * Carries out a decision about what the lookout has just seen. A change that failed is in the
 * journal, and is not tried again at once.
 */
void remedy_apply(struct remedy *remedy, const struct policy_decision *decision);

/*
 * Gives service number i, which is out by a lease, back for a cause that ends the sentence
 * "gave it back". Returns 0, or -errno with the reason in *why.
 */
int remedy_give_back(struct remedy *remedy, size_t i, const char *cause,
		     struct apply_why *why);

/*
 * Has the entries deleted of what is out already: the guard that took it out may have ended before
 * it did. Takes away what it left that is not configured, as leftovers_clear().
 */
void remedy_finish(const struct remedy *remedy);

/* Takes service number i out again, whose rules another tool has swept away with others. */
void remedy_restore(struct remedy *remedy, size_t i);

/* Somebody deleted our table on purpose: carries nothing out until standing_down is reset. */
void remedy_stand_down(struct remedy *remedy);

/*
 * Takes away the rules of every service and the budgets, but for rules without a lease that are
 * somebody else's; puts the limit back. Returns 0, or -errno if some could not be.
 */
int remedy_withdraw(struct remedy *remedy);

/* What it is doing. */
enum status_state remedy_state(const struct remedy *remedy);

#endif
