// SPDX-License-Identifier: GPL-2.0-or-later
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "guard/traffic.h"
#include "lib/clock.h"

static const uint64_t HOUR_NS = UINT64_C(3600) * CLOCK_NS_PER_S;

static void two_readings_tell_the_rate(void **state)
{
	struct traffic traffic = { 0 };

	traffic_restart(&traffic);
	assert_true(isinf(traffic.packets_per_s));
	traffic_measure(&traffic, HOUR_NS, 5000);
	assert_true(isinf(traffic.packets_per_s));
	traffic_measure(&traffic, HOUR_NS + 2 * (uint64_t)CLOCK_NS_PER_S, 5300);
	assert_float_equal(traffic.packets_per_s, 150, 1e-9);
	assert_int_equal(traffic.packets, 5300);
}

static void no_packets_are_a_rate_too(void **state)
{
	struct traffic traffic = { 0 };

	traffic_measure(&traffic, HOUR_NS, 7);
	traffic_measure(&traffic, HOUR_NS + CLOCK_NS_PER_S, 7);
	assert_float_equal(traffic.packets_per_s, 0, 0);
}

static void a_counter_that_went_back_tells_no_rate(void **state)
{
	struct traffic traffic = { 0 };

	traffic_measure(&traffic, HOUR_NS, 5000);
	traffic_measure(&traffic, HOUR_NS + CLOCK_NS_PER_S, 10);
	assert_true(isinf(traffic.packets_per_s));
	traffic_measure(&traffic, HOUR_NS + 2 * (uint64_t)CLOCK_NS_PER_S, 30);
	assert_float_equal(traffic.packets_per_s, 20, 1e-9);
}

static void no_time_between_tells_no_rate(void **state)
{
	struct traffic traffic = { 0 };

	traffic_measure(&traffic, HOUR_NS, 1);
	traffic_measure(&traffic, HOUR_NS, 1);
	assert_true(isinf(traffic.packets_per_s));
}

static void after_a_restart_two_more_are_needed(void **state)
{
	struct traffic traffic = { 0 };

	traffic_measure(&traffic, HOUR_NS, 1);
	traffic_measure(&traffic, HOUR_NS + CLOCK_NS_PER_S, 2);
	traffic_restart(&traffic);
	assert_true(isinf(traffic.packets_per_s));
	assert_int_equal(traffic.packets, 2);
	traffic_measure(&traffic, HOUR_NS + 2 * (uint64_t)CLOCK_NS_PER_S, 1000000);
	assert_true(isinf(traffic.packets_per_s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_readings_tell_the_rate),
		cmocka_unit_test(no_packets_are_a_rate_too),
		cmocka_unit_test(a_counter_that_went_back_tells_no_rate),
		cmocka_unit_test(no_time_between_tells_no_rate),
		cmocka_unit_test(after_a_restart_two_more_are_needed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
