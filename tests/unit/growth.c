// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "guard/growth.h"

enum { NOBODY = POLICY_SERVICES_MAX };

static const uint64_t SECOND = 1000000000;

static void meet(struct growth_sample *sample, uint32_t id, uint32_t service)
{
	sample->flow[sample->flows++] = (struct growth_flow){ id, service };
}

/* A sample of the first flows of a table: from first on, one of the first service, one of nobody. */
static struct growth_sample sample_of(uint64_t taken_s, uint32_t entries, uint32_t first,
				      uint32_t flows)
{
	struct growth_sample sample = {
		.taken_ns = taken_s * SECOND,
		.entries = entries,
	};

	for (uint32_t i = 0; i < flows; i++)
		meet(&sample, first + i, i % 2 ? NOBODY : 0);
	return sample;
}

static void
who_is_met_for_the_first_time_has_come_and_who_is_not_met_has_gone(void **state)
{
	struct growth_sample before = { .taken_ns = SECOND, .entries = 300 };
	struct growth_sample now = { .taken_ns = 3 * SECOND, .entries = 500 };
	struct growth growth;

	/* In the order of the table: 11 has gone; 20, 21 and 22 have come. */
	meet(&before, 90, 0);
	meet(&before, 11, 1);
	meet(&before, 52, NOBODY);
	meet(&before, 13, 0);
	meet(&now, 20, 1);
	meet(&now, 90, 0);
	meet(&now, 21, 1);
	meet(&now, 52, NOBODY);
	meet(&now, 22, NOBODY);
	meet(&now, 13, 0);
	growth_between(&before, &now, &growth);
	assert_float_equal(growth.seconds, 2, 1e-9);
	assert_float_equal(growth.counted, 200, 1e-9);
	assert_float_equal(growth.entries, 500.0 / 6, 1e-9);
	assert_float_equal(growth.came[0], 0, 0);
	assert_float_equal(growth.came[1], 2, 0);
	assert_float_equal(growth.came[NOBODY], 1, 0);
	assert_float_equal(growth.gone[0], 0, 0);
	assert_float_equal(growth.gone[1], 1, 0);
	assert_float_equal(growth.gone[NOBODY], 0, 0);
}

/* A fuller table is sampled less far, an emptier one farther: that is nobody's coming or going. */
static void what_only_one_of_the_samples_reached_says_nothing(void **state)
{
	struct growth_sample most = sample_of(1, 1000, 1, 1000);
	struct growth_sample half = sample_of(2, 500, 1, 500);
	struct growth growth;

	growth_between(&most, &half, &growth);
	assert_float_equal(growth.gone[0] + growth.gone[NOBODY], 0, 0);
	growth_between(&half, &most, &growth);
	assert_float_equal(growth.came[0] + growth.came[NOBODY], 0, 0);
}

static void a_table_where_nobody_is_met_again_says_nothing(void **state)
{
	struct growth_sample before = sample_of(1, 1000, 1, 1000);
	struct growth_sample now = sample_of(2, 9000, 5000, 1000);
	struct growth_sample none = { 0 };
	struct growth growth;

	growth_between(&before, &now, &growth);
	assert_float_equal(growth.came[0] + growth.gone[0], 0, 0);
	growth_between(&none, &now, &growth);
	assert_float_equal(growth.came[0], 0, 0);
	growth_between(&before, &none, &growth);
	assert_float_equal(growth.gone[0], 0, 0);
}

/* A host at rest, and then a flood: of the few that were there none need be met again. */
static void what_was_not_in_the_whole_table_has_come(void **state)
{
	struct growth_sample before = sample_of(1, 3, 1, 3);
	struct growth_sample now = sample_of(2, 9000, 5000, 1000);
	struct growth growth;

	before.complete = true;
	growth_between(&before, &now, &growth);
	assert_float_equal(growth.came[0], 500, 0);
	assert_float_equal(growth.came[NOBODY], 500, 0);
	assert_float_equal(growth.gone[0], 0, 0);
	now.complete = true;
	before.complete = false;
	growth_between(&before, &now, &growth);
	assert_float_equal(growth.came[0], 0, 0);
	assert_float_equal(growth.gone[0], 2, 0);
	assert_float_equal(growth.gone[NOBODY], 1, 0);
}

/* Of 40,000 entries, 40 each flow of a sample; two services. */
static struct growth flood(void)
{
	struct growth growth = { .seconds = 0.5, .counted = 4000, .entries = 40 };

	growth.came[0] = 100;
	growth.came[1] = 9;
	growth.gone[1] = 7;
	growth.came[NOBODY] = 5;
	growth.gone[NOBODY] = 5;
	return growth;
}

static void only_who_grew_for_certain_has_grown(void **state)
{
	struct policy_view view = { .count = 2 };
	struct growth growth = flood();

	view.services[1].grown = 77;
	growth_apply(&growth, &view);
	assert_float_equal(view.grown_total, 4000, 1e-9);
	assert_float_equal(view.grown_in_s, 0.5, 1e-9);
	assert_float_equal(view.services[0].grown, 4000, 1e-9);
	assert_float_equal(view.services[1].grown, 0, 0);
	/* Sixteen of sixteen is four times the root; and so is 40 of 100 that moved. */
	growth.came[1] = 16;
	growth.gone[1] = 0;
	growth_apply(&growth, &view);
	assert_float_equal(view.services[1].grown, 640, 1e-9);
	growth.came[1] = 15;
	growth_apply(&growth, &view);
	assert_float_equal(view.services[1].grown, 0, 0);
	growth.came[1] = 70;
	growth.gone[1] = 30;
	growth_apply(&growth, &view);
	assert_float_equal(view.services[1].grown, 1600, 1e-9);
	growth.came[1] = 71;
	growth.gone[1] = 31;
	growth_apply(&growth, &view);
	assert_float_equal(view.services[1].grown, 0, 0);
}

static void who_shrinks_has_not_grown(void **state)
{
	struct policy_view view = { .count = 2 };
	struct growth growth = flood();

	growth.gone[1] = 900;
	growth_apply(&growth, &view);
	assert_float_equal(view.services[1].grown, 0, 0);
	assert_float_equal(view.grown_total, 4000, 1e-9);
}

static void strangers_have_their_part_of_the_growth(void **state)
{
	struct policy_view view = { .count = 2 };
	struct growth growth = flood();

	growth.came[NOBODY] = 205;
	growth_apply(&growth, &view);
	assert_float_equal(view.grown_total, 40 * (100 + 200), 1e-9);
	assert_float_equal(view.services[0].grown, 4000, 1e-9);
}

/* The count rises because what expired is not collected: who grows beside that is not to blame. */
static void growth_that_explains_little_of_the_count_is_none(void **state)
{
	struct policy_view view = { .count = 2 };
	struct growth growth = flood();

	growth.counted = 8001;
	growth_apply(&growth, &view);
	assert_float_equal(view.grown_total, 0, 0);
	assert_float_equal(view.services[0].grown, 0, 0);
	growth.counted = -8001;
	growth_apply(&growth, &view);
	assert_float_equal(view.grown_total, 4000, 1e-9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			who_is_met_for_the_first_time_has_come_and_who_is_not_met_has_gone),
		cmocka_unit_test(what_only_one_of_the_samples_reached_says_nothing),
		cmocka_unit_test(a_table_where_nobody_is_met_again_says_nothing),
		cmocka_unit_test(what_was_not_in_the_whole_table_has_come),
		cmocka_unit_test(only_who_grew_for_certain_has_grown),
		cmocka_unit_test(who_shrinks_has_not_grown),
		cmocka_unit_test(strangers_have_their_part_of_the_growth),
		cmocka_unit_test(growth_that_explains_little_of_the_count_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
