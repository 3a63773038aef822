// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/clock.h"
#include "server/backoff.h"

/* Lives for so long, then dies. */
static unsigned live(struct backoff *backoff, uint64_t *now_ns, unsigned ms)
{
	backoff_started(backoff, *now_ns);
	*now_ns += (uint64_t)ms * CLOCK_NS_PER_MS;
	return backoff_died(backoff, *now_ns);
}

static void one_death_costs_no_time(void **state)
{
	struct backoff backoff = { 0 };
	uint64_t now_ns = 5;

	assert_int_equal(live(&backoff, &now_ns, 10), 0);
	assert_true(backoff.due_ns == now_ns);
	assert_int_equal(live(&backoff, &now_ns, 60000), 0);
	assert_int_equal(live(&backoff, &now_ns, 10), 0);
}

static void deaths_in_a_row_cost_more_each_time_up_to_a_bound(void **state)
{
	static const unsigned DELAYS[] = {
		0, 1000, 2000, 4000, 8000, 16000, 30000, 30000
	};
	struct backoff backoff = { 0 };
	uint64_t now_ns = 5;

	for (size_t i = 0; i < sizeof(DELAYS) / sizeof(DELAYS[0]); i++) {
		assert_int_equal(live(&backoff, &now_ns, 999), DELAYS[i]);
		assert_true(backoff.due_ns ==
			    now_ns + (uint64_t)DELAYS[i] * CLOCK_NS_PER_MS);
	}
	for (int i = 0; i < 1000; i++)
		assert_int_equal(live(&backoff, &now_ns, 0), 30000);
}

static void a_worker_that_lived_starts_the_count_anew(void **state)
{
	struct backoff backoff = { 0 };
	uint64_t now_ns = 5;

	for (int i = 0; i < 5; i++)
		live(&backoff, &now_ns, 0);
	assert_int_equal(live(&backoff, &now_ns, 1000), 0);
	assert_int_equal(live(&backoff, &now_ns, 0), 0);
	assert_int_equal(live(&backoff, &now_ns, 0), 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_death_costs_no_time),
		cmocka_unit_test(deaths_in_a_row_cost_more_each_time_up_to_a_bound),
		cmocka_unit_test(a_worker_that_lived_starts_the_count_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
