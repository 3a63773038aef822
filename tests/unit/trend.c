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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sawtooth_stands_and_a_climb_does_not),
		cmocka_unit_test(there_is_none_before_2_s),
		cmocka_unit_test(a_sawtooth_swings_and_a_climb_does_not),
		cmocka_unit_test(what_slows_down_ends_where_it_tends_to),
		cmocka_unit_test(a_line_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
