// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "guard/surge.h"

static const uint64_t MS = 1000000;

static void what_did_not_rise_is_no_surge(void **state)
{
	struct surge surge = { 0 };

	assert_true(surge_rate(&surge, 100) == 0);
	surge_add(&surge, 1000 * MS, 5000);
	assert_true(surge_rate(&surge, 100) == 0);
	surge_add(&surge, 1010 * MS, 5099);
	assert_true(surge_rate(&surge, 100) == 0);
	surge_add(&surge, 1020 * MS, 4000);
	assert_true(surge_rate(&surge, 100) == 0);
}

/* It was at rest for a second, and then gains 150 in each millisecond. */
static void a_surge_is_as_steep_as_the_shortest_rise_that_is_large_enough(void **state)
{
	struct surge surge = { 0 };

	surge_add(&surge, 1000 * MS, 5000);
	surge_add(&surge, 2000 * MS, 5000);
	for (unsigned i = 1; i <= 6; i++)
		surge_add(&surge, (2000 + i) * MS, 5000 + 150 * i);
	assert_float_equal(surge_rate(&surge, 600), 150000, 0.1);
	assert_float_equal(surge_rate(&surge, 100), 150000, 0.1);
	assert_float_equal(surge_rate(&surge, 900), 150000, 0.1);
	assert_true(surge_rate(&surge, 901) == 0);
}

static void a_surge_that_is_over_is_less_and_less_steep(void **state)
{
	struct surge surge = { 0 };

	surge_add(&surge, 1000 * MS, 5000);
	surge_add(&surge, 1010 * MS, 6000);
	assert_float_equal(surge_rate(&surge, 1000), 100000, 0.1);
	surge_add(&surge, 1100 * MS, 6000);
	assert_float_equal(surge_rate(&surge, 1000), 10000, 0.1);
}

static void what_is_too_long_ago_is_forgotten(void **state)
{
	struct surge surge = { 0 };

	surge_add(&surge, 1000 * MS, 5000);
	for (unsigned i = 0; i < SURGE_LOOKS - 1; i++)
		surge_add(&surge, (1001 + i) * MS, 9000);
	assert_true(surge_rate(&surge, 4000) > 0);
	surge_add(&surge, 2000 * MS, 9000);
	assert_true(surge_rate(&surge, 4000) == 0);
}

static void time_that_stands_still_is_left_out(void **state)
{
	struct surge surge = { 0 };

	surge_add(&surge, 1000 * MS, 5000);
	surge_add(&surge, 1000 * MS, 9000);
	assert_true(surge_rate(&surge, 100) == 0);
	surge_add(&surge, 1010 * MS, 5500);
	assert_float_equal(surge_rate(&surge, 100), 50000, 0.1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_did_not_rise_is_no_surge),
		cmocka_unit_test(
			a_surge_is_as_steep_as_the_shortest_rise_that_is_large_enough),
		cmocka_unit_test(a_surge_that_is_over_is_less_and_less_steep),
		cmocka_unit_test(what_is_too_long_ago_is_forgotten),
		cmocka_unit_test(time_that_stands_still_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
