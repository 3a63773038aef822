// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "lib/clock.h"
#include "server/pacer.h"

static void the_first_event_is_due_at_the_start(void **state)
{
	struct pacer pacer;

	pacer_start(&pacer, 1000, 10);
	assert_int_equal(pacer_due(&pacer, 999), 0);
	assert_int_equal(pacer_due(&pacer, 1000), 1);
	assert_int_equal(pacer_next_ns(&pacer), 1000);
}

static void a_second_makes_exactly_the_rate(void **state)
{
	static const uint64_t RATES[] = { 1, 3, 7, 1000, 99999, 100000, PACER_RATE_MAX };
	struct pacer pacer;

	for (size_t i = 0; i < sizeof(RATES) / sizeof(RATES[0]); i++) {
		pacer_start(&pacer, 5, RATES[i]);
		/* The event at the end of the second belongs to the next one. */
		assert_int_equal(pacer_due(&pacer, 5 + CLOCK_NS_PER_S - 1), RATES[i]);
		assert_int_equal(pacer_due(&pacer, 5 + CLOCK_NS_PER_S), RATES[i] + 1);
	}
}

static void a_day_brings_no_drift(void **state)
{
	struct pacer pacer;

	pacer_start(&pacer, 0, 149999);
	assert_int_equal(pacer_due(&pacer, UINT64_C(86400) * CLOCK_NS_PER_S),
			 UINT64_C(86400) * 149999 + 1);
	assert_int_equal(pacer_time_ns(&pacer, UINT64_C(86400) * 149999),
			 UINT64_C(86400) * CLOCK_NS_PER_S);
}

static void what_was_missed_is_due_at_once(void **state)
{
	struct pacer pacer;

	pacer_start(&pacer, 0, 1000);
	pacer_take(&pacer, pacer_due(&pacer, 0));
	assert_int_equal(pacer_due(&pacer, UINT64_C(50) * CLOCK_NS_PER_MS), 50);
}

static void a_closed_loop_goes_on_without_catching_up(void **state)
{
	struct pacer pacer;

	pacer_start(&pacer, 0, 1000);
	pacer_take(&pacer, 1);
	pacer_resume(&pacer, UINT64_C(50) * CLOCK_NS_PER_MS);
	assert_int_equal(pacer_due(&pacer, UINT64_C(50) * CLOCK_NS_PER_MS), 1);
	assert_int_equal(pacer_next_ns(&pacer), UINT64_C(50) * CLOCK_NS_PER_MS);
	pacer_take(&pacer, 1);
	assert_int_equal(pacer_next_ns(&pacer), UINT64_C(51) * CLOCK_NS_PER_MS);
}

static void resuming_early_changes_nothing(void **state)
{
	struct pacer pacer;

	pacer_start(&pacer, 0, 1000);
	pacer_take(&pacer, 10);
	pacer_resume(&pacer, UINT64_C(2) * CLOCK_NS_PER_MS);
	assert_int_equal(pacer_next_ns(&pacer), UINT64_C(10) * CLOCK_NS_PER_MS);
}

static void an_event_is_due_at_its_time_and_not_before(void **state)
{
	unsigned seed = (unsigned)time(NULL);

	print_message("seed %u\n", seed);
	srandom(seed);
	for (int i = 0; i < 10000; i++) {
		uint64_t rate = (uint64_t)random() % PACER_RATE_MAX + 1;
		uint64_t event = (uint64_t)random();
		struct pacer pacer;
		uint64_t at_ns;

		pacer_start(&pacer, (uint64_t)random(), rate);
		at_ns = pacer_time_ns(&pacer, event);
		pacer_take(&pacer, event);
		assert_int_equal(at_ns, pacer_next_ns(&pacer));
		assert_true(pacer_due(&pacer, at_ns) >= 1);
		if (event > 0)
			assert_int_equal(pacer_due(&pacer, at_ns - 1), 0);
	}
}

/* What processes that share a row send, and when, is what one would. */
static void a_row_that_is_shared_is_the_same_row(void **state)
{
	static const uint64_t PROCESSES[] = { 1, 2, 3, 7, 64 };
	const uint64_t start_ns = 12345, rate = 99991;

	for (size_t p = 0; p < sizeof(PROCESSES) / sizeof(PROCESSES[0]); p++) {
		uint64_t processes = PROCESSES[p];
		uint64_t due[3] = { 0 };

		for (uint64_t index = 0; index < processes; index++) {
			struct pacer all, own;

			pacer_start(&all, start_ns, rate);
			pacer_start(&own, start_ns, rate);
			pacer_share(&own, processes, index);
			for (uint64_t i = 0; i < 100; i++)
				assert_int_equal(
					pacer_time_ns(&own, i),
					pacer_time_ns(&all, i * processes + index));
			for (unsigned i = 0; i < 3; i++)
				due[i] += pacer_due(&own, start_ns + i * 77777777);
		}
		for (unsigned i = 0; i < 3; i++) {
			struct pacer all;

			pacer_start(&all, start_ns, rate);
			assert_int_equal(due[i],
					 pacer_due(&all, start_ns + i * 77777777));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_event_is_due_at_the_start),
		cmocka_unit_test(a_second_makes_exactly_the_rate),
		cmocka_unit_test(a_day_brings_no_drift),
		cmocka_unit_test(what_was_missed_is_due_at_once),
		cmocka_unit_test(a_closed_loop_goes_on_without_catching_up),
		cmocka_unit_test(resuming_early_changes_nothing),
		cmocka_unit_test(an_event_is_due_at_its_time_and_not_before),
		cmocka_unit_test(a_row_that_is_shared_is_the_same_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
