// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/wish.h"

#include <errno.h>

#include "rules/plan.h"
#include "rules/ruleset.h"
#include "rules/terms.h"

/* What the kernel's clock of leases may be coarser than ours: two ticks of the slowest (100 Hz). */
enum { TICKS_MS = 20 };

int wish_plan(const struct wish *wish, const struct ruleset *ruleset, struct plan *plan)
{
	switch (wish->kind) {
	case WISH_ADD: return plan_add(plan, ruleset, wish->services, wish->terms);
	case WISH_REFRESH:
		return plan_refresh(plan, ruleset, wish->services, wish->count,
				    wish->terms);
	case WISH_COLLECT: return plan_collect(plan, ruleset, wish->services);
	case WISH_DELETE: return plan_delete(plan, ruleset, wish->services);
	case WISH_FLUSH: return plan_flush(plan, ruleset);
	}
	return -EINVAL;
}

static bool is_fresh(const struct ruleset_service *entry, const struct terms *terms,
		     uint64_t age_ms)
{
	if (!entry->sides[LAYOUT_IN].lease || !entry->sides[LAYOUT_OUT].lease ||
	    !holder_equal(&entry->holder, &terms->holder))
		return false;
	if (!terms->lease_ms)
		return !entry->leased;
	/*
	 * It began no earlier than the wish: what is left and the wish's age make all of
	 * it.
	 */
	return entry->leased && entry->lease_ms == terms->lease_ms &&
	       entry->expires_ms + age_ms + TICKS_MS >= terms->lease_ms;
}

static bool is_added(const struct ruleset_service *entry, const struct terms *terms)
{
	return entry->active && extent_equal(ruleset_extent(entry), &terms->extent);
}

bool wish_fulfilled(const struct wish *wish, const struct ruleset *ruleset,
		    uint64_t age_ms)
{
	if (wish->kind == WISH_COLLECT)
		return false;
	if (wish->kind == WISH_FLUSH)
		return !ruleset->present;
	for (size_t i = 0; i < wish->count; i++) {
		const struct ruleset_service *entry =
			ruleset_find(ruleset, &wish->services[i]);

		if (wish->kind == WISH_DELETE) {
			if (entry)
				return false;
			continue;
		}
		if (!entry || !is_fresh(entry, wish->terms, age_ms))
			return false;
		if (wish->kind == WISH_ADD && !is_added(entry, wish->terms))
			return false;
	}
	return true;
}
