// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "guard/turnstile.h"
#include "lib/clock.h"

/* So many seconds after some start. */
static uint64_t at(double seconds)
{
	return (uint64_t)((1000 + seconds) * CLOCK_NS_PER_S);
}

static void few_are_told_of_one_by_one(void **state)
{
	struct turnstile turnstile = { 0 };

	for (int i = 0; i < 1000; i++)
		assert_true(turnstile_lets(&turnstile, at(i * TURNSTILE_ONE_EACH_S)));
	assert_false(turnstile_sums(&turnstile, at(1000000)));
}

static void of_many_at_once_the_first_are_told_of(void **state)
{
	struct turnstile turnstile = { 0 };

	for (int i = 0; i < TURNSTILE_AT_ONCE; i++)
		assert_true(turnstile_lets(&turnstile, at(0)));
	assert_false(turnstile_lets(&turnstile, at(0.5)));
	assert_false(turnstile_lets(&turnstile, at(TURNSTILE_ONE_EACH_S - 1)));
	assert_true(turnstile_lets(&turnstile, at(TURNSTILE_ONE_EACH_S)));
	assert_false(turnstile_lets(&turnstile, at(TURNSTILE_ONE_EACH_S)));
}

static void however_many_come_a_day_tells_of_few(void **state)
{
	struct turnstile turnstile = { 0 };
	int told = 0, sums = 0, untold = 0;

	for (int i = 0; i < 86400; i++) {
		uint64_t now_ns = at(i);

		if (turnstile_lets(&turnstile, now_ns))
			told++;
		else
			turnstile.came++;
		if (!turnstile_sums(&turnstile, now_ns))
			continue;
		untold += (int)turnstile.came;
		turnstile_forget(&turnstile, now_ns);
		sums++;
	}
	assert_in_range(told, TURNSTILE_AT_ONCE, TURNSTILE_AT_ONCE + 1440);
	assert_in_range(sums, 143, 145);
	/* None is forgotten. */
	assert_int_equal(told + untold + (int)turnstile.came, 86400);
}

static void the_first_sum_comes_at_once_and_the_next_in_its_time(void **state)
{
	struct turnstile turnstile = { 0 };

	turnstile.went = 1;
	assert_true(turnstile_sums(&turnstile, at(0)));
	turnstile_forget(&turnstile, at(0));
	assert_false(turnstile_sums(&turnstile, at(TURNSTILE_SUM_EACH_S)));
	turnstile.came = 1;
	assert_false(turnstile_sums(&turnstile, at(TURNSTILE_SUM_EACH_S - 1)));
	assert_true(turnstile_sums(&turnstile, at(TURNSTILE_SUM_EACH_S)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_are_told_of_one_by_one),
		cmocka_unit_test(of_many_at_once_the_first_are_told_of),
		cmocka_unit_test(however_many_come_a_day_tells_of_few),
		cmocka_unit_test(the_first_sum_comes_at_once_and_the_next_in_its_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
