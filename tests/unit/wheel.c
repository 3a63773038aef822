// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/clock.h"
#include "server/wheel.h"

static const uint64_t TICK_NS = 10ULL * CLOCK_NS_PER_MS;

static void an_entry_is_due_in_its_tick_and_not_before(void **state)
{
	struct wheel_entry entry = { 0 };
	struct wheel wheel;

	wheel_init(&wheel, TICK_NS);
	wheel_add(&wheel, &entry, 1000, 1000 + 3 * TICK_NS);
	assert_null(wheel_expired(&wheel, 1000));
	assert_null(wheel_expired(&wheel, 1000 + 3 * TICK_NS));
	assert_ptr_equal(wheel_expired(&wheel, 4 * TICK_NS), &entry);
	assert_null(wheel_expired(&wheel, 4 * TICK_NS));
	assert_int_equal(wheel.count, 0);
}

static void a_time_that_has_passed_is_due_in_the_next_tick(void **state)
{
	struct wheel_entry entry = { 0 };
	struct wheel wheel;
	uint64_t now_ns = 500ULL * TICK_NS;

	wheel_init(&wheel, TICK_NS);
	wheel_add(&wheel, &entry, now_ns, 7);
	assert_null(wheel_expired(&wheel, now_ns));
	assert_ptr_equal(wheel_expired(&wheel, now_ns + TICK_NS), &entry);
}

static void an_entry_for_the_next_tick_is_not_a_tick_late(void **state)
{
	struct wheel_entry other = { 0 }, entry = { 0 };
	struct wheel wheel;

	wheel_init(&wheel, TICK_NS);
	wheel_add(&wheel, &other, 0, 900 * TICK_NS);
	assert_null(wheel_expired(&wheel, 500 * TICK_NS));
	wheel_add(&wheel, &entry, 500 * TICK_NS, 501 * TICK_NS);
	assert_null(wheel_expired(&wheel, 501 * TICK_NS - 1));
	assert_ptr_equal(wheel_expired(&wheel, 501 * TICK_NS), &entry);
	wheel_remove(&wheel, &other);
}

static void an_entry_that_adds_itself_again_does_not_spin(void **state)
{
	struct wheel_entry entry = { 0 };
	struct wheel wheel;
	uint64_t now_ns = 5 * TICK_NS;

	wheel_init(&wheel, TICK_NS);
	wheel_add(&wheel, &entry, 0, now_ns);
	assert_ptr_equal(wheel_expired(&wheel, now_ns), &entry);
	wheel_add(&wheel, &entry, now_ns, now_ns);
	assert_null(wheel_expired(&wheel, now_ns));
	assert_ptr_equal(wheel_expired(&wheel, now_ns + TICK_NS), &entry);
}

static void an_entry_beyond_one_turn_waits_for_its_turn(void **state)
{
	struct wheel_entry entry = { 0 };
	struct wheel wheel;
	uint64_t due_ns = 10ULL * WHEEL_SLOTS * TICK_NS;

	wheel_init(&wheel, TICK_NS);
	wheel_add(&wheel, &entry, 0, due_ns);
	for (uint64_t now_ns = 0; now_ns < due_ns; now_ns += TICK_NS)
		assert_null(wheel_expired(&wheel, now_ns));
	assert_ptr_equal(wheel_expired(&wheel, due_ns), &entry);
}

static void a_long_pause_loses_nothing(void **state)
{
	struct wheel_entry entries[3 * WHEEL_SLOTS] = { 0 };
	struct wheel wheel;
	size_t found = 0;

	wheel_init(&wheel, TICK_NS);
	for (size_t i = 0; i < 3 * WHEEL_SLOTS; i++)
		wheel_add(&wheel, &entries[i], 0, i * TICK_NS);
	while (wheel_expired(&wheel, 1000000ULL * TICK_NS))
		found++;
	assert_int_equal(found, 3 * WHEEL_SLOTS);
}

static void an_entry_can_go_while_its_slot_is_scanned(void **state)
{
	struct wheel_entry entries[4] = { 0 };
	struct wheel wheel;
	uint64_t now_ns = 2 * TICK_NS;
	struct wheel_entry *first;

	wheel_init(&wheel, TICK_NS);
	for (int i = 0; i < 4; i++)
		wheel_add(&wheel, &entries[i], 0, now_ns);
	first = wheel_expired(&wheel, now_ns);
	for (int i = 0; i < 4; i++)
		if (&entries[i] != first)
			wheel_remove(&wheel, &entries[i]);
	wheel_remove(&wheel, first); /* is not in: nothing happens */
	assert_null(wheel_expired(&wheel, now_ns));
	assert_int_equal(wheel.count, 0);
}

static void a_burst_is_spread_and_few_are_left_alone(void **state)
{
	enum { ENTRIES = 6400, SPAN = 64, FEW = 16 };
	static struct wheel_entry entries[ENTRIES];
	uint32_t at[SPAN] = { 0 };
	struct wheel wheel;

	wheel_init(&wheel, TICK_NS);
	for (int i = 0; i < ENTRIES; i++) {
		uint64_t due_ns = wheel_spread(&wheel, 10 * TICK_NS, SPAN * TICK_NS);

		if (i < FEW)
			assert_int_equal(due_ns, 10 * TICK_NS);
		assert_in_range(due_ns, 10 * TICK_NS, (10 + SPAN) * TICK_NS - 1);
		at[due_ns / TICK_NS - 10]++;
		wheel_add(&wheel, &entries[i], 0, due_ns);
	}
	for (int i = 0; i < SPAN; i++)
		assert_in_range(at[i], 0, ENTRIES / SPAN * 3 / 2 + FEW);
	for (int i = 0; i < ENTRIES; i++)
		wheel_remove(&wheel, &entries[i]);
	assert_int_equal(wheel_spread(&wheel, 10 * TICK_NS, SPAN * TICK_NS),
			 10 * TICK_NS);
}

/* Against the plainest model there is: a due tick per entry, looked through each time. */
static void random_histories_agree_with_a_list(void **state)
{
	enum { ENTRIES = 200, STEPS = 20000 };
	struct wheel_entry entries[ENTRIES] = { 0 };
	uint64_t due[ENTRIES] = { 0 }; /* tick; 0: not in */
	unsigned seed = (unsigned)clock_now_ns();
	struct wheel_entry *entry;
	uint64_t tick = 1000;
	struct wheel wheel;

	print_message("seed %u\n", seed);
	srandom(seed);
	wheel_init(&wheel, TICK_NS);
	for (int step = 0; step < STEPS; step++) {
		size_t i = (size_t)random() % ENTRIES;

		if (due[i]) {
			wheel_remove(&wheel, &entries[i]);
			due[i] = 0;
		} else {
			due[i] = tick + 1 + (uint64_t)random() % (3 * WHEEL_SLOTS);
			wheel_add(&wheel, &entries[i], tick * TICK_NS, due[i] * TICK_NS);
		}
		tick += (uint64_t)random() % 20 ? 0 : (uint64_t)random() % 600;
		while ((entry = wheel_expired(&wheel, tick * TICK_NS))) {
			i = (size_t)(entry - entries);
			assert_in_range(due[i], 1, tick);
			due[i] = 0;
		}
		for (i = 0; i < ENTRIES; i++)
			assert_true(due[i] == 0 || due[i] > tick);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entry_is_due_in_its_tick_and_not_before),
		cmocka_unit_test(a_time_that_has_passed_is_due_in_the_next_tick),
		cmocka_unit_test(an_entry_for_the_next_tick_is_not_a_tick_late),
		cmocka_unit_test(an_entry_that_adds_itself_again_does_not_spin),
		cmocka_unit_test(an_entry_beyond_one_turn_waits_for_its_turn),
		cmocka_unit_test(a_long_pause_loses_nothing),
		cmocka_unit_test(an_entry_can_go_while_its_slot_is_scanned),
		cmocka_unit_test(a_burst_is_spread_and_few_are_left_alone),
		cmocka_unit_test(random_histories_agree_with_a_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
