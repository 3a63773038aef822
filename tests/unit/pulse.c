// SPDX-License-Identifier: GPL-2.0-or-later
/* What counts become. They come from here, not from the kernel. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "guard/policy.h"
#include "guard/pulse.h"
#include "lib/clock.h"

static const struct table_usage USAGE = { .entries = 12000, .limit = 100000 };

/* A second at rest with 10,000, and then 2000 more within 20 ms. */
static struct pulse surging(uint64_t from_ns)
{
	struct pulse pulse = { 0 };

	for (uint64_t i = 0; i <= 10; i++)
		pulse_note(&pulse, from_ns + i * 100 * CLOCK_NS_PER_MS, 10000);
	for (uint64_t i = 1; i <= 4; i++)
		pulse_note(&pulse, from_ns + (1000 + i * 5) * CLOCK_NS_PER_MS,
			   (uint32_t)(10000 + i * 500));
	return pulse;
}

static void counts_become_a_climb_and_a_surge(void **state)
{
	struct pulse pulse = surging(5 * (uint64_t)CLOCK_NS_PER_S);
	struct policy_view view = { 0 };

	pulse_tell(&pulse, &USAGE, &view);
	assert_int_equal(view.entries, 12000);
	assert_int_equal(view.limit, 100000);
	assert_float_equal(view.climb, 100000, 1e-3);
	assert_float_equal(view.surge, 100000, 1e-3);
	/* The forecast is not so quick. */
	assert_true(view.slope < 50000);
}

static void a_new_start_knows_of_no_climb_and_no_surge(void **state)
{
	uint64_t now_ns = clock_now_ns();
	struct pulse pulse = surging(now_ns - 2 * (uint64_t)CLOCK_NS_PER_S);
	struct policy_view view = { 0 };

	pulse_restart(&pulse, 3000);
	pulse_tell(&pulse, &USAGE, &view);
	assert_true(view.climb == 0 && view.surge == 0 && view.slope == 0);
	assert_true(isinf(view.full_in_s));
	pulse = surging(now_ns - 2 * (uint64_t)CLOCK_NS_PER_S);
	pulse_restart(&pulse, 12000);
	pulse_note(&pulse, clock_now_ns() + CLOCK_NS_PER_MS, 12100);
	pulse_tell(&pulse, &USAGE, &view);
	assert_true(view.surge == 0);
	pulse_restart(&pulse, 3000);
	pulse_note(&pulse, clock_now_ns() + 10 * CLOCK_NS_PER_MS, 4000);
	pulse_tell(&pulse, &USAGE, &view);
	assert_true(view.climb > 0 && view.climb < 110000);
	assert_true(view.surge > 0 && view.surge < 110000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_become_a_climb_and_a_surge),
		cmocka_unit_test(a_new_start_knows_of_no_climb_and_no_surge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
