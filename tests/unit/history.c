// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conntrack/history.h"

static const uint64_t SECOND = 1000000000, START = 5000;

static void assert_columns(const struct history *history, uint64_t now_ns,
			   uint64_t step_ns, const int64_t *wanted, size_t count)
{
	int64_t columns[16];

	history_columns(history, now_ns, step_ns, columns, count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(columns[i], wanted[i]);
}

static void a_column_is_the_peak_of_its_step(void **state)
{
	struct history h = { 0 };

	for (uint64_t i = 0; i < 30; i++)
		history_add(&h, START * SECOND + i * SECOND / 10, SECOND,
			    (uint32_t)(i == 13 ? 500 : i));
	assert_columns(&h, (START + 2) * SECOND, SECOND, (int64_t[]){ -1, 9, 500, 29 },
		       4);
	assert_int_equal(h.points, 3);
}

static void the_past_moves_by_whole_columns(void **state)
{
	struct history h = { 0 };

	for (uint64_t i = 0; i < 4; i++)
		history_add(&h, (START + i) * SECOND, SECOND, (uint32_t)(10 * i + 1));
	for (uint64_t part = 0; part < SECOND; part += SECOND / 7)
		assert_columns(&h, (START + 4) * SECOND + part, SECOND,
			       (int64_t[]){ 1, 11, 21, 31, -1 }, 5);
}

static void looks_that_come_late_leave_no_holes(void **state)
{
	struct history h = { 0 };

	history_add(&h, START * SECOND, SECOND, 1);
	history_add(&h, (START + 2) * SECOND, SECOND, 2);
	assert_columns(&h, (START + 2) * SECOND, SECOND, (int64_t[]){ 1, 2, 2 }, 3);
	/* But what nobody looked at is not made up. */
	history_add(&h, (START + 6) * SECOND, SECOND, 3);
	assert_columns(&h, (START + 6) * SECOND, SECOND, (int64_t[]){ 2, -1, -1, -1, 3 },
		       5);
}

static void another_step_keeps_the_past(void **state)
{
	struct history h = { 0 };

	for (uint64_t i = 0; i < 8; i++)
		history_add(&h, (START + i) * SECOND, SECOND, (uint32_t)i);
	assert_columns(&h, (START + 7) * SECOND, 2 * SECOND,
		       (int64_t[]){ -1, 1, 3, 5, 7 }, 5);
	history_add(&h, (START + 8) * SECOND, 4 * SECOND, 9);
	assert_columns(&h, (START + 8) * SECOND, 4 * SECOND, (int64_t[]){ 3, 7, 9 }, 3);
}

static void it_forgets_the_oldest(void **state)
{
	struct history h = { 0 };
	uint64_t last = START + 2 * HISTORY_POINTS + 7;

	for (uint64_t t = START; t <= last; t++)
		history_add(&h, t * SECOND, SECOND, (uint32_t)t);
	assert_int_equal(h.points, HISTORY_POINTS);
	assert_columns(&h, last * SECOND, SECOND,
		       (int64_t[]){ (int64_t)last - 1, (int64_t)last }, 2);
	assert_columns(&h, (last - HISTORY_POINTS + 1) * SECOND, SECOND,
		       (int64_t[]){ -1, (int64_t)(last - HISTORY_POINTS + 1) }, 2);
}

static void a_young_clock_is_no_underflow(void **state)
{
	struct history h = { 0 };

	history_add(&h, 1, SECOND, 4);
	assert_columns(&h, SECOND, SECOND, (int64_t[]){ -1, -1, 4, -1 }, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_column_is_the_peak_of_its_step),
		cmocka_unit_test(the_past_moves_by_whole_columns),
		cmocka_unit_test(looks_that_come_late_leave_no_holes),
		cmocka_unit_test(another_step_keeps_the_past),
		cmocka_unit_test(it_forgets_the_oldest),
		cmocka_unit_test(a_young_clock_is_no_underflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
