// SPDX-License-Identifier: GPL-2.0-or-later
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conntrack/forecast.h"
#include "conntrack/trend.h"

/* A history of 30 s, each tenth of a second. */
static struct trend trend_after(double (*level)(double at_s))
{
	struct forecast f = { 0 };
	struct trend trend;

	for (int n = 1; n <= 300; n++)
		assert_int_equal(forecast_add(&f, (uint64_t)n * 100000000,
					      (uint32_t)level(n / 10.0)),
				 0);
	assert_true(trend_of(&f, &trend));
	return trend;
}

static double sawtooth(double at_s)
{
	return 3000 + 600 * fmod(at_s, 2);
}

static double rising_sawtooth(double at_s)
{
	return 3000 + 600 * fmod(at_s, 2) + 400 * at_s;
}

static double approach(double at_s)
{
	return 100000 * (1 - exp(-at_s / 15));
}

static double line(double at_s)
{
	return 1000 * at_s;
}

static void a_sawtooth_stands_and_a_climb_does_not(void **state)
{
	struct trend trend = trend_after(sawtooth);

	assert_true(fabs(trend.crest - 4140) < 100);
	assert_true(fabs(trend.peak - 4140) < 100);
	assert_true(fabs(trend.trough - 3000) < 100);
	assert_true(trend_stands(&trend));
	trend = trend_after(rising_sawtooth);
	assert_false(trend_stands(&trend));
	trend = trend_after(line);
	assert_false(trend_stands(&trend));
}

static void there_is_none_before_2_s(void **state)
{
	struct forecast f = { 0 };
	struct trend trend = { .half_s = 77 };

	for (uint64_t n = 1; n <= 18; n++)
		forecast_add(&f, n * 100000000, (uint32_t)n);
	assert_false(trend_of(&f, &trend));
	assert_true(trend.half_s == 77);
}

static void a_sawtooth_swings_and_a_climb_does_not(void **state)
{
	struct trend trend = trend_after(sawtooth);

	assert_true(trend.fell);
	assert_true(trend_swings(&trend));
	assert_false(trend_slows(&trend));
	trend = trend_after(rising_sawtooth);
	assert_true(trend.fell);
	assert_false(trend_swings(&trend));
	trend = trend_after(line);
	assert_false(trend.fell);
	assert_false(trend_swings(&trend));
}

static void what_slows_down_ends_where_it_tends_to(void **state)
{
	struct trend trend = trend_after(approach);

	assert_true(trend_slows(&trend));
	assert_true(fabs(approach(30) + trend_rest(&trend) - 100000) < 2000);
	assert_true(isinf(trend_full_in(&trend, 20000, 1)));
	assert_true(fabs(trend_full_in(&trend, approach(40) - approach(30), 1) - 10) < 1);
}

static void a_line_goes_on(void **state)
{
	struct trend trend = trend_after(line);

	assert_false(trend_slows(&trend));
	assert_true(fabs(trend_full_in(&trend, 50000, INFINITY) - 50) < 1);
	/* Unless the climb is faster now. */
	assert_true(trend_full_in(&trend, 50000, 20) == 20);
}

/* Entries that come a second; each lives 30 s. */
static const double RATE = 3000;

/* The history of a table up to so many seconds. */
static struct forecast after(double (*level)(double at_s), double seconds)
{
	struct forecast f = { 0 };

	for (int n = 1; n <= seconds * 10; n++)
		forecast_add(&f, (uint64_t)n * 100000000, (uint32_t)level(n / 10.0));
	return f;
}

/* Others dump the table all the time: what has expired goes at once. */
static double flat(double at_s)
{
	return RATE * fmin(at_s, 30) + 1000 * fmod(at_s, 0.5);
}

/* The collector comes each 20 s. */
static double collected_late(double at_s)
{
	return RATE * (fmin(at_s, 30) + (at_s > 30 ? fmod(at_s - 30, 20) : 0));
}

/* And where a few entries last, each minute. */
static double collected_later(double at_s)
{
	return RATE * (fmin(at_s, 30) + (at_s > 30 ? fmod(at_s - 30, 60) : 0));
}

static double slow_climb(double at_s)
{
	return RATE * fmin(at_s, 30) + 400 * at_s;
}

/* Once nobody dumped it for three seconds. */
static double spiked(double at_s)
{
	return flat(at_s) + (at_s > 75 && at_s < 78 ? RATE * (at_s - 75) : 0);
}

static double ended(double at_s)
{
	return at_s < 100 ? flat(at_s) : fmax(0, flat(100) - RATE * (at_s - 100));
}

static void it_stands_once_it_was_as_high_for_half_its_life(void **state)
{
	struct forecast f = after(flat, 40);
	struct trend_stand stand = { .crest = 77 };

	assert_false(trend_settled(&f, RATE, 0.5, &stand));
	assert_true(stand.crest == 77);
	f = after(flat, 50);
	assert_true(trend_settled(&f, RATE, 0.5, &stand));
	assert_true(fabs(stand.crest - 90000) < 1000);
	assert_true(fabs(stand.trough - 90000) < 1000);
}

static void lives_of_two_minutes_are_remembered_too(void **state)
{
	struct forecast f = after(flat, 200);
	struct trend_stand stand;

	assert_true(trend_settled(&f, RATE / 4, 60, &stand));
	assert_true(fabs(stand.crest - 90000) < 1000);
	/* Longer ones are not. */
	assert_false(trend_settled(&f, RATE / 10, 60, &stand));
	assert_false(trend_settled(&f, 0, 60, &stand));
}

static void what_climbs_slowly_does_not_stand(void **state)
{
	struct forecast f = after(slow_climb, 70);
	struct trend_stand stand;

	assert_false(trend_settled(&f, RATE, 0.5, &stand));
}

static void a_model_that_errs_is_not_heard(void **state)
{
	struct forecast f = after(flat, 90);
	struct trend_stand stand;
	double crest = 150000;

	assert_true(trend_settled(&f, RATE, 0.5, &stand));
	assert_false(trend_climbs_again(&stand, f.level, &crest));
	assert_true(fabs(crest - 90000) < 1000);
	crest = 30000;
	assert_false(trend_climbs_again(&stand, f.level, &crest));
	assert_true(fabs(crest - 90000) < 1000);
}

static void a_spike_is_no_reason_to_expect_a_fall(void **state)
{
	struct forecast f = after(spiked, 100);
	struct trend_stand stand;
	double crest = 63000;

	assert_true(trend_settled(&f, RATE, 0.5, &stand));
	assert_false(trend_climbs_again(&stand, f.level, &crest));
	assert_true(fabs(crest - 99000) < 2000);
}

/* The table is to have 260,000 entries. */
static void a_climb_that_would_have_shown_is_denied(void **state)
{
	struct forecast f = after(flat, 90);
	struct trend_stand stand;

	assert_true(trend_settled(&f, RATE, 0.5, &stand));
	assert_true(trend_denies(&stand, f.level, 170000, 70));
	assert_true(trend_denies(&stand, f.level, 170000, 200));
	/* It may just have begun, or be too slow to show. */
	assert_false(trend_denies(&stand, f.level, 170000, 55));
	assert_false(trend_denies(&stand, f.level, 170000, 7000));
	assert_false(trend_denies(&stand, f.level, 170000, INFINITY));
	/* What goes up and down does not show it. */
	f = after(collected_late, 135);
	assert_true(trend_settled(&f, RATE, 20, &stand));
	assert_false(trend_denies(&stand, f.level, 170000, 70));
}

static void one_that_falls_is_left_to_the_model(void **state)
{
	struct forecast f = after(ended, 103);
	struct trend_stand stand;
	double crest = 0;

	if (trend_settled(&f, RATE, 0.5, &stand))
		assert_false(trend_climbs_again(&stand, f.level, &crest));
	assert_true(crest == 0);
}

static void a_crest_may_be_a_minute_ago(void **state)
{
	/* 5 s after the third collection. */
	struct forecast f = after(collected_later, 215);
	struct trend_stand stand;

	assert_true(trend_settled(&f, RATE, 60, &stand));
	assert_true(fabs(stand.crest - 270000) < 1500);
}

static void of_one_that_is_collected_late_the_crest_counts(void **state)
{
	/* 5 s after a collection. */
	struct forecast f = after(collected_late, 135);
	struct trend_stand stand;
	double crest = 170000;

	assert_true(trend_settled(&f, RATE, 20, &stand));
	assert_true(fabs(stand.crest - 150000) < 1500);
	assert_true(trend_climbs_again(&stand, f.level, &crest));
	assert_true(fabs(crest - 150000) < 1500);
	/* The model knows that much less will come, and where there is more than that it drains. */
	crest = 50000;
	assert_false(trend_climbs_again(&stand, f.level, &crest));
	assert_true(crest == 50000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sawtooth_stands_and_a_climb_does_not),
		cmocka_unit_test(there_is_none_before_2_s),
		cmocka_unit_test(a_sawtooth_swings_and_a_climb_does_not),
		cmocka_unit_test(what_slows_down_ends_where_it_tends_to),
		cmocka_unit_test(a_line_goes_on),
		cmocka_unit_test(it_stands_once_it_was_as_high_for_half_its_life),
		cmocka_unit_test(lives_of_two_minutes_are_remembered_too),
		cmocka_unit_test(what_climbs_slowly_does_not_stand),
		cmocka_unit_test(a_model_that_errs_is_not_heard),
		cmocka_unit_test(a_spike_is_no_reason_to_expect_a_fall),
		cmocka_unit_test(a_climb_that_would_have_shown_is_denied),
		cmocka_unit_test(one_that_falls_is_left_to_the_model),
		cmocka_unit_test(a_crest_may_be_a_minute_ago),
		cmocka_unit_test(of_one_that_is_collected_late_the_crest_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
