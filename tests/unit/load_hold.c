// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/load_hold.c"

static const uint64_t SECOND_NS = CLOCK_NS_PER_S;

/* A run that was to open 100 feeds by the 20th second and to hold them for 30. */
struct situation {
	struct load load;
	struct clients_orders orders;
	struct hold hold;
};

static void set(struct situation *s, uint64_t tried, uint64_t outstanding)
{
	*s = (struct situation){
		.load = { .count = 100,
			  .wait_ns = 10 * SECOND_NS,
			  .duration_ns = 30 * SECOND_NS },
		.orders = { .start_ns = SECOND_NS, .stop_opening_ns = 20 * SECOND_NS },
	};
	s->hold.load = &s->load;
	s->hold.orders = &s->orders;
	s->hold.result = (struct hold_result){
		.asked = 100,
		.tried = tried,
		.opened = tried - outstanding,
		.outstanding = outstanding,
	};
	assert_int_equal(poller_open(&s->hold.poller), 0);
}

/* The second at which it will end when looked at then; 0: it is not known yet. */
static uint64_t end_at(struct situation *s, uint64_t second)
{
	look_for_end(&s->hold, second * SECOND_NS);
	return s->orders.end_ns / SECOND_NS;
}

static void holding_begins_when_all_is_open(void **state)
{
	struct situation s;

	set(&s, 100, 1);
	assert_int_equal(end_at(&s, 5), 0);
	s.hold.result.outstanding = 0;
	s.hold.result.opened = 100;
	assert_int_equal(end_at(&s, 6), 36);
	assert_int_equal(end_at(&s, 7), 36);
	assert_false(s.hold.result.outcome.cut_short);
	poller_close(s.hold.poller);
}

static void opening_ends_at_its_time(void **state)
{
	struct situation s;

	set(&s, 90, 0);
	assert_int_equal(end_at(&s, 20), 0);
	assert_int_equal(end_at(&s, 21), 51);
	assert_true(s.hold.result.outcome.cut_short);
	poller_close(s.hold.poller);
}

static void a_process_that_stands_still_does_not_hold_the_end_up(void **state)
{
	struct situation s;

	set(&s, 100, 3);
	assert_int_equal(end_at(&s, 21), 0);
	assert_int_equal(end_at(&s, 35), 0);
	assert_int_equal(end_at(&s, 36), 66);
	poller_close(s.hold.poller);
}

static int stand_still(const struct crew_job *job, unsigned index, void *slot,
		       void *shared)
{
	while (index == 1)
		pause();
	return 0;
}

static void processes_that_do_not_end_are_counted(void **state)
{
	static const struct crew_job JOB = { .work = stand_still,
					     .slot_bytes = 8,
					     .shared_bytes = 8 };
	const struct log log = { .program = "test" };
	struct situation s;

	set(&s, 100, 0);
	s.load.log = &log;
	assert_int_equal(crew_open(&s.hold.crew, 3, &JOB), 0);
	while (crew_running(s.hold.crew) > 1)
		usleep(1000);
	assert_int_equal(crew_pid(s.hold.crew, 0), 0);
	assert_true(crew_pid(s.hold.crew, 1) > 0);
	name_stuck(&s.hold);
	assert_int_equal(s.hold.result.stuck, 1);
	crew_close(s.hold.crew);
	poller_close(s.hold.poller);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holding_begins_when_all_is_open),
		cmocka_unit_test(opening_ends_at_its_time),
		cmocka_unit_test(a_process_that_stands_still_does_not_hold_the_end_up),
		cmocka_unit_test(processes_that_do_not_end_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
