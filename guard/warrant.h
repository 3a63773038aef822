/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_WARRANT_H
#define GUARD_WARRANT_H

#include <stddef.h>

#include "guard/respite.h"

struct journal;
struct chore;
struct leases;
struct lookout;
struct policy_decision;
struct remedy;
struct trouble;
struct vetting;

/*
 * Sees to it that only what the audit finds safe is out of tracking: tells the policy, and gives
 * back at once what a new ruleset makes unsafe. The pointers are borrowed.
 */
struct warrant {
	struct vetting *vetting;
	struct lookout *lookout;
	struct leases *leases;
	struct remedy *remedy;
	struct journal *journal;
	struct trouble *trouble;
	const size_t *guarded; /* network namespaces, by the same loop; NULL: this one */
	struct respite review; /* after an audit that took long */
	struct respite decision; /* the same, of those that decisions waited for */
};

/*
 * Audits again if the ruleset has changed, microseconds if not, and does what follows from it. After
 * an audit that took long it does not for a while: what was known stands.
 */
void warrant_review(struct warrant *warrant);

/*
 * Has the live entries looked at of whom the rules alone do not tell whether packets are translated. That walks through
 * the table, for which a census would have to wait: not while a decision may be near.
 */
void warrant_ask_for_looks(const struct warrant *warrant);

/* A chore that looked for translated entries is done: acts on what it found. */
void warrant_note_look(struct warrant *warrant, const struct chore *chore);

/*
 * Carries a decision out, on the ruleset that was audited: one that has changed is audited first,
 * and what is no longer safe is not taken out; nor is anything while these audits, too, have to rest.
 */
void warrant_apply(struct warrant *warrant, const struct policy_decision *decision);

#endif
