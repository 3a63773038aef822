// SPDX-License-Identifier: GPL-2.0-or-later
#include <math.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "conntrack/collector.h"
#include "conntrack/flow.h"
#include "conntrack/lifetimes.h"

enum { FLOWS = 2000 };
static const double TICK_S = 0.004, MILLISECOND_S = 0.001;

/* A sample whose flows have any time up to a timeout to live, but for some that last. */
static const struct lifetimes *sample(uint32_t timeout_s, uint32_t lasting)
{
	static struct lifetimes l;

	lifetimes_restart(&l);
	lifetimes_begin(&l, 1000000000);
	for (uint32_t i = 0; i < FLOWS; i++) {
		struct flow flow = {
			.id = i * 2654435761U,
			.proto = IPPROTO_UDP,
			.timeout_s = i * 7919 % timeout_s,
		};

		if (i % FLOWS < lasting)
			flow.timeout_s = 432000;
		lifetimes_add(&l, &flow);
	}
	lifetimes_end(&l);
	return &l;
}

static void assert_near(double value, double expected, double part)
{
	if (fabs(value - expected) > part * expected)
		fail_msg("%g, expected %g", value, expected);
}

/* What the kernel's own lines come to, run on random numbers. */
static void intervals_are_the_kernels(void **state)
{
	assert_near(collector_interval_s(sample(30, 0), 150000, TICK_S), 16.8, 0.04);
	assert_near(collector_interval_s(sample(30, 0), 1000, TICK_S), 17.6, 0.04);
	assert_near(collector_interval_s(sample(30, 0), 300, TICK_S), 21.9, 0.04);
	/* Its mean stands still before it gets down to 2.5 s. */
	assert_near(collector_interval_s(sample(5, 0), 3000, TICK_S), 7.7, 0.04);
	assert_near(collector_interval_s(sample(5, 0), 150000, TICK_S), 7.7, 0.04);
	assert_near(collector_interval_s(sample(120, 0), 50000, TICK_S), 60, 0.02);
}

static void a_tenth_that_lasts_makes_it_a_minute(void **state)
{
	assert_true(collector_interval_s(sample(30, FLOWS / 10), 50000, TICK_S) == 60);
	assert_near(collector_interval_s(sample(30, FLOWS / 10), 1000, TICK_S), 45, 0.08);
}

static void finer_ticks_are_nearer_to_the_mean(void **state)
{
	double coarse_s = collector_interval_s(sample(5, 0), 100000, TICK_S);
	double fine_s = collector_interval_s(sample(5, 0), 100000, MILLISECOND_S);

	assert_true(fine_s < coarse_s);
	assert_true(fine_s > 2.5);
}

static void it_is_never_less_than_a_second_nor_more_than_a_minute(void **state)
{
	static const double ENTRIES[] = { 0, 1, 2000, 1e9, INFINITY };
	static struct lifetimes none;

	for (size_t i = 0; i < sizeof(ENTRIES) / sizeof(ENTRIES[0]); i++) {
		double interval_s =
			collector_interval_s(sample(1, 0), ENTRIES[i], TICK_S);

		assert_true(interval_s >= 1);
		assert_true(interval_s <= 60);
		assert_true(collector_interval_s(&none, ENTRIES[i], TICK_S) == 60);
	}
}

static void the_kernels_tick_is_known(void **state)
{
	double tick_s = collector_tick_s();

	assert_true(tick_s >= 0.0005);
	assert_true(tick_s <= 0.02);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(intervals_are_the_kernels),
		cmocka_unit_test(a_tenth_that_lasts_makes_it_a_minute),
		cmocka_unit_test(finer_ticks_are_nearer_to_the_mean),
		cmocka_unit_test(it_is_never_less_than_a_second_nor_more_than_a_minute),
		cmocka_unit_test(the_kernels_tick_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
