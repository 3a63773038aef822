// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "server/seats.h"

enum { LIMIT = 100, STEPS = 100000 };

static void everyone_has_a_seat_of_his_own(void **state)
{
	unsigned seed = (unsigned)time(NULL);
	bool taken[LIMIT] = { false };
	struct seats *seats;
	int count = 0;

	printf("seed %u\n", seed);
	srand(seed);
	assert_int_equal(seats_open(&seats, LIMIT), 0);
	for (int i = 0; i < STEPS; i++) {
		int seat = rand() % LIMIT;

		if (taken[seat]) {
			seats_give(seats, seat);
			taken[seat] = false;
			count--;
			continue;
		}
		seat = seats_take(seats);
		if (count == LIMIT) {
			assert_int_equal(seat, -ENOSPC);
			continue;
		}
		assert_in_range(seat, 0, LIMIT - 1);
		assert_false(taken[seat]);
		taken[seat] = true;
		count++;
	}
	seats_close(seats);
}

static void a_full_house_takes_one_for_one_that_leaves(void **state)
{
	struct seats *seats;

	assert_int_equal(seats_open(&seats, LIMIT), 0);
	for (int i = 0; i < LIMIT; i++)
		assert_true(seats_take(seats) >= 0);
	assert_int_equal(seats_take(seats), -ENOSPC);
	seats_give(seats, 7);
	assert_int_equal(seats_take(seats), 7);
	assert_int_equal(seats_take(seats), -ENOSPC);
	seats_close(seats);
	seats_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everyone_has_a_seat_of_his_own),
		cmocka_unit_test(a_full_house_takes_one_for_one_that_leaves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
