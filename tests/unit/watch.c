// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conntrack/active.h"
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
#include "conntrack/watch.c"

/* Probes in an hour of readings, one a second, of which each probe takes so much CPU time. */
static unsigned probes_in_an_hour(struct watch *watch, double seconds)
{
	probes = 0;
	cost_s = seconds;
	for (uint64_t s = 1; s <= 3600; s++)
		probe(watch, s * CLOCK_NS_PER_S);
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
		struct watch watch = { 0 };

		assert_int_equal(probes_in_an_hour(&watch, CASES[i].cost_s),
				 CASES[i].probes);
		assert_int_equal(watch.active, ACTIVE_YES);
	}
}

static void a_dear_probe_does_not_make_those_after_a_cheap_one_seldom(void **state)
{
	struct watch watch = { 0 };

	cost_s = 3;
	probe(&watch, 1 * (uint64_t)CLOCK_NS_PER_S);
	cost_s = 0.0001;
	probe(&watch, 61 * (uint64_t)CLOCK_NS_PER_S);
	probes = 0;
	probe(&watch, 65 * (uint64_t)CLOCK_NS_PER_S);
	assert_int_equal(probes, 0);
	probe(&watch, 66 * (uint64_t)CLOCK_NS_PER_S);
	assert_int_equal(probes, 1);
}

static void
a_probe_that_failed_is_not_repeated_sooner_and_leaves_nothing_known(void **state)
{
	struct watch watch = { .active = ACTIVE_YES };

	failure = -EMFILE;
	assert_int_equal(probes_in_an_hour(&watch, 0.0001), 720);
	assert_int_equal(watch.active, ACTIVE_UNKNOWN);
	assert_int_equal(watch.probe_error, -EMFILE);
	failure = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_probe_comes_more_seldom_the_more_it_takes),
		cmocka_unit_test(
			a_dear_probe_does_not_make_those_after_a_cheap_one_seldom),
		cmocka_unit_test(
			a_probe_that_failed_is_not_repeated_sooner_and_leaves_nothing_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
