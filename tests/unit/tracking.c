// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conntrack/active.h"
#include "conntrack/table.h"
#include "lib/clock.h"

/* In place of the kernel: how often it was probed, what that takes, and what it says. */
static unsigned probes;
static double cost_s;
static int failure;
static uint64_t burnt_ns;

int active_probe(struct nl *nl, enum active *out)
{
	probes++;
	burnt_ns += (uint64_t)(cost_s * 1e9);
	if (!failure)
		*out = ACTIVE_YES;
	return failure;
}

static uint64_t fake_spent_ns(void)
{
	return burnt_ns;
}

#define clock_spent_ns fake_spent_ns
#include "conntrack/tracking.c"

static const struct table_usage HALF = { .entries = 5000, .limit = 10000 };
static const struct table_usage FULL = { .entries = 9999, .limit = 10000 };
static const struct table_counters STILL;

static void look(struct tracking *tracking, uint64_t now_s)
{
	tracking_look(tracking, NULL, &HALF, &STILL, now_s * CLOCK_NS_PER_S);
}

/* Probes in an hour of looks, one a second, of which each probe takes so much CPU time. */
static unsigned probes_in_an_hour(struct tracking *tracking, double seconds)
{
	probes = 0;
	cost_s = seconds;
	for (uint64_t s = 1; s <= 3600; s++)
		look(tracking, s);
	return probes;
}

static void the_probe_comes_more_seldom_the_more_it_takes(void **state)
{
	static const struct {
		double cost_s;
		unsigned probes;
	} CASES[] = {
		{ 0.00005, 720 }, /* each 5 s, however cheap it is */
		{ 0.001, 720 },   /* that is the share exactly */
		{ 0.004, 180 },   /* each 20 s: the share of a core */
		{ 0.012, 60 },    /* each 60 s */
		{ 3, 60 },        /* however dear it is */
	};

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		struct tracking tracking = { 0 };

		assert_int_equal(probes_in_an_hour(&tracking, CASES[i].cost_s),
				 CASES[i].probes);
		assert_int_equal(tracking.active, ACTIVE_YES);
	}
}

static void a_dear_probe_does_not_make_those_after_a_cheap_one_seldom(void **state)
{
	struct tracking tracking = { 0 };

	cost_s = 3;
	look(&tracking, 1);
	cost_s = 0.0001;
	look(&tracking, 61);
	probes = 0;
	look(&tracking, 65);
	assert_int_equal(probes, 0);
	look(&tracking, 66);
	assert_int_equal(probes, 1);
}

static void
a_probe_that_failed_is_not_repeated_sooner_and_leaves_nothing_known(void **state)
{
	struct tracking tracking = { .active = ACTIVE_YES };

	failure = -EMFILE;
	assert_int_equal(probes_in_an_hour(&tracking, 0.0001), 720);
	assert_int_equal(tracking.active, ACTIVE_UNKNOWN);
	assert_int_equal(tracking.error, -EMFILE);
	failure = 0;
}

static void a_full_table_gets_no_probe_and_what_was_known_stays(void **state)
{
	struct tracking tracking = { 0 };
	const struct table_usage none = { .entries = 7, .limit = 0 };

	probes = 0;
	tracking_look(&tracking, NULL, &FULL, &STILL, CLOCK_NS_PER_S);
	assert_int_equal(probes, 0);
	assert_int_equal(tracking.active, ACTIVE_UNKNOWN);
	assert_int_equal(tracking.error, -ENOSPC);
	look(&tracking, 2);
	assert_int_equal(tracking.active, ACTIVE_YES);
	assert_int_equal(tracking.error, 0);
	tracking_look(&tracking, NULL, &FULL, &STILL, 100 * (uint64_t)CLOCK_NS_PER_S);
	assert_int_equal(probes, 1);
	assert_int_equal(tracking.active, ACTIVE_YES);
	assert_int_equal(tracking.error, 0);
	/* Without a limit none is full. */
	tracking_look(&tracking, NULL, &none, &STILL, 200 * (uint64_t)CLOCK_NS_PER_S);
	assert_int_equal(probes, 2);
}

static void what_is_lost_or_evicted_tells_that_it_tracks(void **state)
{
	static const struct table_counters LOST[] = { { .drop = 1 },
						      { .early_drop = 1 } };

	probes = 0;
	for (size_t i = 0; i < 2; i++) {
		struct tracking tracking = { .error = -ENOSPC };

		tracking_look(&tracking, NULL, &FULL, &LOST[i], CLOCK_NS_PER_S);
		assert_int_equal(tracking.active, ACTIVE_YES);
		assert_int_equal(tracking.error, 0);
	}
	assert_int_equal(probes, 0);
}

static void a_table_overflows_while_it_loses_flows_and_has_hardly_room(void **state)
{
	static const struct table_counters LOST = { .early_drop = 3000 };
	static const struct table_counters INVALID = { .invalid = 3000 };
	static const struct table_usage ALMOST = { .entries = 9902, .limit = 10000 };

	assert_true(tracking_overflows(&FULL, &LOST));
	assert_true(tracking_overflows(&ALMOST, &LOST));
	assert_false(tracking_overflows(&HALF, &LOST));
	assert_false(tracking_overflows(&FULL, &STILL));
	assert_false(tracking_overflows(&FULL, &INVALID));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_probe_comes_more_seldom_the_more_it_takes),
		cmocka_unit_test(
			a_dear_probe_does_not_make_those_after_a_cheap_one_seldom),
		cmocka_unit_test(
			a_probe_that_failed_is_not_repeated_sooner_and_leaves_nothing_known),
		cmocka_unit_test(a_full_table_gets_no_probe_and_what_was_known_stays),
		cmocka_unit_test(what_is_lost_or_evicted_tells_that_it_tracks),
		cmocka_unit_test(
			a_table_overflows_while_it_loses_flows_and_has_hardly_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
