// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/claim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "guard/policy.h"
#include "rules/ruleset.h"

static struct ruleset_service row(const char *program, bool leased, enum extent_kind kind)
{
	struct ruleset_service made = { .leased = leased, .active = true };

	snprintf(made.holder.program, sizeof(made.holder.program), "%s", program);
	made.sides[LAYOUT_IN].extent =
		(struct extent){ .kind = kind, .percent = 30, .packets_per_s = 2000 };
	return made;
}

static void no_rules_claim_nothing(void **state)
{
	struct ruleset_service lapsed = row("ctguard", true, EXTENT_ALL);
	struct claim claim = claim_read(NULL, false);

	assert_true(!claim.percent && !claim.bounded && !claim.held && !claim.fixed);
	lapsed.active = false;
	claim = claim_read(&lapsed, false);
	assert_true(!claim.percent && !claim.bounded && !claim.held && !claim.fixed);
}

static void a_guard_s_lease_is_taken_over_as_much_as_it_is(void **state)
{
	struct ruleset_service share = row("ctguard", true, EXTENT_SHARE);
	struct ruleset_service nobody = row("", true, EXTENT_ALL);
	struct claim claim = claim_read(&share, false);

	assert_int_equal(claim.percent, 30);
	assert_false(claim.held || claim.fixed || claim.bounded);
	claim = claim_read(&nobody, false);
	assert_int_equal(claim.percent, POLICY_WHOLE);
	assert_false(claim.held || claim.fixed || claim.bounded);
}

static void somebody_else_s_lease_is_left_but_more_of_it_may_go(void **state)
{
	struct ruleset_service share = row("ctrules", true, EXTENT_SHARE);
	struct claim claim = claim_read(&share, false);

	assert_int_equal(claim.percent, 30);
	assert_true(claim.held && !claim.fixed);
}

static void a_rule_without_a_lease_is_left_whoever_made_it(void **state)
{
	struct ruleset_service whole = row("ctguard", false, EXTENT_ALL);
	struct claim claim = claim_read(&whole, false);

	assert_int_equal(claim.percent, POLICY_WHOLE);
	assert_true(claim.held && claim.fixed);
}

static void a_budget_bounds_and_takes_nothing_out(void **state)
{
	struct ruleset_service own = row("ctguard", false, EXTENT_BUDGET);
	struct ruleset_service other = row("ctrules", false, EXTENT_BUDGET);
	struct ruleset_service leased = row("ctrules", true, EXTENT_BUDGET);
	struct claim claim = claim_read(&own, false);

	assert_true(claim.bounded && !claim.held && !claim.percent);
	claim = claim_read(&other, false);
	assert_true(claim.bounded && claim.held && !claim.percent && !claim.fixed);
	claim = claim_read(&leased, false);
	assert_false(claim.bounded || claim.held || claim.percent);
}

static void to_a_rehearsal_all_is_somebody_else_s(void **state)
{
	struct ruleset_service whole = row("ctguard", true, EXTENT_ALL);
	struct ruleset_service budget = row("ctguard", false, EXTENT_BUDGET);
	struct claim claim = claim_read(&whole, true);

	assert_true(claim.percent == POLICY_WHOLE && claim.held && claim.fixed);
	claim = claim_read(&budget, true);
	assert_true(claim.bounded && claim.held);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_rules_claim_nothing),
		cmocka_unit_test(a_guard_s_lease_is_taken_over_as_much_as_it_is),
		cmocka_unit_test(somebody_else_s_lease_is_left_but_more_of_it_may_go),
		cmocka_unit_test(a_rule_without_a_lease_is_left_whoever_made_it),
		cmocka_unit_test(a_budget_bounds_and_takes_nothing_out),
		cmocka_unit_test(to_a_rehearsal_all_is_somebody_else_s),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
