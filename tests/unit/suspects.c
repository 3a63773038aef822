// SPDX-License-Identifier: GPL-2.0-or-later
/* How long a census serves. The kernel is not asked here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "guard/suspects.c"

static const struct config CONFIG = { .policy.engage_at = 0.5 };
enum { LIMIT = 200000 };
static const uint64_t THEN_NS = 5000000000;

/* Of two services the second has most, and has grown: two flows of each were met, and then 16 more. */
static const struct suspects
	KNOWN = {
		.config = &CONFIG,
		.lowest = 90000,
		.baseline = { .sample = { .taken_ns = 4000000000,
					  .entries = 20000,
					  .flows = 4,
					  .complete = true,
					  .flow = { { 1, 0 },
						    { 2, 0 },
						    { 3, 1 },
						    { 4, 1 } } } },
		.census = { .stock = { 8000, 72000 },
			    .sample = { .taken_ns = 5000000000,
					.entries = 90000,
					.flows = 20,
					.flow = { { 1, 0 },  { 2, 0 },  { 3, 1 },
						  { 4, 1 },  { 5, 1 },  { 6, 1 },
						  { 7, 1 },  { 8, 1 },  { 9, 1 },
						  { 10, 1 }, { 11, 1 }, { 12, 1 },
						  { 13, 1 }, { 14, 1 }, { 15, 1 },
						  { 16, 1 }, { 17, 1 }, { 18, 1 },
						  { 19, 1 }, { 20, 1 } } } },
	};

static struct suspects known(void)
{
	struct suspects suspects = KNOWN;

	growth_between(&suspects.baseline.sample, &suspects.census.sample,
		       &suspects.growth);
	return suspects;
}

/* Entries that came of nobody knows whom; -1 if nothing is recalled. */
static double unseen_at(double elapsed_s, uint32_t entries)
{
	const struct suspects suspects = known();
	struct policy_view view = { .count = 2,
				    .limit = LIMIT,
				    .now_ns = THEN_NS + (uint64_t)(elapsed_s * 1e9) };
	double unseen = -1;
	bool recalled = suspects_recall(&suspects, entries, &view, &unseen);

	assert_int_equal(view.attributed, recalled);
	if (recalled) {
		assert_true(view.services[1].stock == 72000);
		assert_true(view.services[1].grown == 72000);
		assert_true(view.services[0].grown == 0);
	}
	return unseen;
}

static void a_census_tells_all_while_the_count_has_hardly_moved(void **state)
{
	assert_true(unseen_at(0.005, 90000) == 0);
	assert_true(unseen_at(0.05, 100000) == 0);
	assert_true(unseen_at(0.05, 80000) == 0);
}

static void what_came_since_a_census_is_told_as_unseen(void **state)
{
	assert_true(unseen_at(0.05, 100001) == 10001);
	assert_true(unseen_at(0.05, 190000) == 100000);
	/* Whose entries have gone is not known, either. */
	assert_true(unseen_at(0.05, 79999) == -1);
}

static void a_census_serves_for_a_second_only(void **state)
{
	assert_true(unseen_at(0.99, 90000) == 0);
	assert_true(unseen_at(1.01, 90000) == -1);
	assert_true(unseen_at(1.01, 120000) == -1);
}

/* Who has come since the baseline, it cannot tell. */
static void a_census_of_before_the_baseline_does_not_serve(void **state)
{
	struct suspects suspects = known();
	struct policy_view view = { .count = 2, .limit = LIMIT, .now_ns = THEN_NS };
	double unseen;

	suspects.baseline.sample.taken_ns = suspects.census.sample.taken_ns;
	assert_false(suspects_recall(&suspects, 90000, &view, &unseen));
}

static void what_was_forgotten_is_not_recalled(void **state)
{
	struct suspects suspects = known();
	struct policy_view view = { .count = 2, .limit = LIMIT, .now_ns = THEN_NS };
	double unseen;

	suspects_forget(&suspects);
	assert_false(suspects_recall(&suspects, 90000, &view, &unseen));
	assert_false(suspects_recall(&suspects, 0, &view, &unseen));
}

/* Would it sample, it would fail: there is no conversation. */
static void
no_census_is_taken_of_a_table_that_hardly_climbs_or_again_at_once(void **state)
{
	struct suspects suspects = known();
	struct policy_view view = { .count = 2,
				    .limit = LIMIT,
				    .now_ns = THEN_NS + 500000000 };

	assert_int_equal(suspects_keep_warm(&suspects, 94000, &view), 0);
	assert_int_equal(suspects_keep_warm(&suspects, 20000, &view), 0);
	assert_int_equal(suspects_keep_warm(&suspects, 24000, &view), 0);
	view.now_ns = THEN_NS + 5000000;
	assert_int_equal(suspects_keep_warm(&suspects, 99000, &view), 0);
}

/* Of the mark, 100,000, it is a tenth away, so that it says who it is there, too. */
static void no_census_is_taken_on_the_last_stretch_if_the_last_one_will_do(void **state)
{
	struct suspects suspects = known();
	struct policy_view view = { .count = 2,
				    .limit = LIMIT,
				    .now_ns = THEN_NS + 400000000 };
	double unseen;

	assert_int_equal(suspects_keep_warm(&suspects, 99000, &view), 0);
	assert_true(suspects_recall(&suspects, 100000, &view, &unseen));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_census_tells_all_while_the_count_has_hardly_moved),
		cmocka_unit_test(what_came_since_a_census_is_told_as_unseen),
		cmocka_unit_test(a_census_serves_for_a_second_only),
		cmocka_unit_test(a_census_of_before_the_baseline_does_not_serve),
		cmocka_unit_test(what_was_forgotten_is_not_recalled),
		cmocka_unit_test(
			no_census_is_taken_of_a_table_that_hardly_climbs_or_again_at_once),
		cmocka_unit_test(
			no_census_is_taken_on_the_last_stretch_if_the_last_one_will_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
