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
#include "server/load.h"
#include "server/schedule.h"

static const uint64_t MS = CLOCK_NS_PER_MS;
static const uint64_t FOREVER = UINT64_C(3600) * CLOCK_NS_PER_S;

static void an_open_loop_allows_what_is_due_whatever_is_unanswered(void **state)
{
	struct schedule schedule;

	schedule_start(&schedule, 0, 1000, 0, 1000000, FOREVER);
	assert_int_equal(schedule_allowed(&schedule, 9 * MS, 1000000), 10);
}

static void no_more_is_allowed_than_was_asked_for(void **state)
{
	struct schedule schedule;
	struct load_outcome outcome = { 0 };

	schedule_start(&schedule, 0, 1000, 0, 4, FOREVER);
	assert_int_equal(schedule_allowed(&schedule, 9 * MS, 0), 4);
	schedule_took(&schedule, 9 * MS, 4, &outcome);
	assert_int_equal(schedule_allowed(&schedule, 99 * MS, 0), 0);
	assert_int_equal(schedule_left(&schedule), 0);
	assert_int_equal(schedule_next_ns(&schedule), FOREVER);
}

static void a_window_bounds_what_is_unanswered(void **state)
{
	struct schedule schedule;

	schedule_start(&schedule, 0, 0, 64, UINT64_MAX, FOREVER);
	assert_int_equal(schedule_allowed(&schedule, 0, 0), 64);
	assert_int_equal(schedule_allowed(&schedule, 0, 60), 4);
	assert_int_equal(schedule_allowed(&schedule, 0, 64), 0);
	assert_int_equal(schedule_allowed(&schedule, 0, 65), 0);
	/* Nothing to do until an answer comes. */
	assert_int_equal(schedule_next_ns(&schedule), FOREVER);
}

static void a_full_window_moves_the_schedule_instead_of_making_a_burst(void **state)
{
	struct schedule schedule;
	struct load_outcome outcome = { 0 };

	schedule_start(&schedule, 0, 1000, 10, 1000, FOREVER);
	schedule_took(&schedule, 0, schedule_allowed(&schedule, 0, 0), &outcome);
	assert_int_equal(schedule_allowed(&schedule, 500 * MS, 10), 0);
	assert_int_equal(schedule_allowed(&schedule, 500 * MS, 0), 1);
	schedule_took(&schedule, 500 * MS, 1, &outcome);
	assert_int_equal(schedule_next_ns(&schedule), 501 * MS);
	assert_int_equal(outcome.late, 0);
}

static void a_late_sender_is_counted_and_catches_up(void **state)
{
	struct schedule schedule;
	struct load_outcome outcome = { 0 };

	schedule_start(&schedule, 0, 1000, 0, 1000, FOREVER);
	assert_int_equal(schedule_allowed(&schedule, 30 * MS, 0), 31);
	schedule_took(&schedule, 30 * MS, 31, &outcome);
	/* Those of the last LOAD_LATE_NS (10 ms) were still in time. */
	assert_int_equal(outcome.late, 21);
	assert_int_equal(outcome.max_late_ns, 30 * MS);
	assert_int_equal(schedule_next_ns(&schedule), 31 * MS);
}

static void being_held_up_waits_for_an_answer_and_not_for_the_clock(void **state)
{
	struct schedule schedule;

	schedule_start(&schedule, 0, 1000, 0, 1000, FOREVER);
	schedule_hold_up(&schedule);
	assert_int_equal(schedule_next_ns(&schedule), FOREVER);
	assert_int_equal(schedule_allowed(&schedule, 5 * MS, 0), 6);
}

static void shares_make_the_whole_count(void **state)
{
	for (uint64_t count = 0; count < 30; count++) {
		uint64_t sum = 0;

		for (uint64_t index = 0; index < 7; index++) {
			struct schedule schedule;

			schedule_start(&schedule, 0, 1000, 0, count, FOREVER);
			schedule_share(&schedule, 7, index);
			sum += schedule_left(&schedule);
		}
		assert_int_equal(sum, count);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_open_loop_allows_what_is_due_whatever_is_unanswered),
		cmocka_unit_test(no_more_is_allowed_than_was_asked_for),
		cmocka_unit_test(a_window_bounds_what_is_unanswered),
		cmocka_unit_test(
			a_full_window_moves_the_schedule_instead_of_making_a_burst),
		cmocka_unit_test(a_late_sender_is_counted_and_catches_up),
		cmocka_unit_test(being_held_up_waits_for_an_answer_and_not_for_the_clock),
		cmocka_unit_test(shares_make_the_whole_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
