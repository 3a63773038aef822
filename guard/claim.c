// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/claim.h"

#include <stddef.h>
#include <string.h>

#include "guard/policy.h"
#include "rules/ruleset.h"

/* Of a budget no share is out: what keeps to its rate is tracked, whoever it is. */
static unsigned percent_of(const struct extent *extent)
{
	switch (extent->kind) {
	case EXTENT_SHARE: return extent->percent;
	case EXTENT_BUDGET: return 0;
	default: return POLICY_WHOLE;
	}
}

struct claim claim_read(const struct ruleset_service *row, bool rehearse)
{
	struct claim claim = { 0 };
	const struct holder *holder;
	bool others;

	if (!row || !row->active)
		return claim;
	holder = &row->holder;
	others = rehearse ||
		 (holder->program[0] && strcmp(holder->program, CLAIM_PROGRAM) != 0);
	claim.percent = percent_of(ruleset_extent(row));
	claim.bounded = !claim.percent && !row->leased;
	claim.fixed = claim.percent && (!row->leased || rehearse);
	claim.held = claim.fixed || (others && (claim.percent || claim.bounded));
	return claim;
}
