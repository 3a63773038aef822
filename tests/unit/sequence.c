// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "server/sequence.h"

static uint64_t missed;

static enum sequence_verdict take(struct sequence *sequence, uint64_t number)
{
	missed = 0;
	return sequence_take(sequence, number, &missed);
}

static void a_gap_is_missed_until_it_comes(void **state)
{
	struct sequence sequence = { 0 };

	assert_int_equal(take(&sequence, 1), SEQUENCE_NEXT);
	assert_int_equal(missed, 0);
	assert_int_equal(take(&sequence, 5), SEQUENCE_NEXT);
	assert_int_equal(missed, 3);
	assert_int_equal(take(&sequence, 3), SEQUENCE_BELATED);
	assert_int_equal(take(&sequence, 3), SEQUENCE_AGAIN);
	assert_int_equal(take(&sequence, 1), SEQUENCE_AGAIN);
	assert_int_equal(take(&sequence, 5), SEQUENCE_AGAIN);
	assert_int_equal(take(&sequence, 6), SEQUENCE_NEXT);
	assert_int_equal(missed, 0);
}

static void the_first_lines_may_be_missed(void **state)
{
	struct sequence sequence = { 0 };

	assert_int_equal(take(&sequence, 4), SEQUENCE_NEXT);
	assert_int_equal(missed, 3);
	assert_int_equal(take(&sequence, 1), SEQUENCE_BELATED);
}

static void a_row_that_begins_anew_is_noticed(void **state)
{
	struct sequence sequence = { 0 };

	for (uint64_t i = 1; i <= 1000; i++)
		assert_int_equal(take(&sequence, i), SEQUENCE_NEXT);
	assert_int_equal(take(&sequence, 1000 - SEQUENCE_WINDOW), SEQUENCE_NONSENSE);
	assert_int_equal(take(&sequence, 1000 - SEQUENCE_WINDOW + 1), SEQUENCE_AGAIN);
	assert_int_equal(take(&sequence, 3), SEQUENCE_ANEW);
	assert_int_equal(missed, 2);
	assert_int_equal(take(&sequence, 2), SEQUENCE_BELATED);
	assert_int_equal(take(&sequence, 4), SEQUENCE_NEXT);
}

static void nonsense_changes_nothing(void **state)
{
	static const uint64_t NUMBERS[] = { 0, 7 + SEQUENCE_GAP_MAX + 1, UINT64_MAX,
					    UINT64_MAX / 2 };
	struct sequence sequence = { 0 };

	assert_int_equal(take(&sequence, 7), SEQUENCE_NEXT);
	for (size_t i = 0; i < sizeof(NUMBERS) / sizeof(NUMBERS[0]); i++)
		assert_int_equal(take(&sequence, NUMBERS[i]), SEQUENCE_NONSENSE);
	assert_int_equal(take(&sequence, 7 + SEQUENCE_GAP_MAX), SEQUENCE_NEXT);
	assert_int_equal(missed, SEQUENCE_GAP_MAX - 1);
}

/* Lines that are late by less than the window, lost or doubled: the sums are exact. */
static void sums_are_exact_whatever_the_network_does(void **state)
{
	enum { LINES = 20000, LATE = 16 };
	unsigned seed = (unsigned)time(NULL);
	struct sequence sequence = { 0 };
	uint64_t row[2 * LINES], count = 0, came = 0, doubled = 0;
	uint64_t lost = 0, belated = 0, again = 0, last = 0;

	printf("seed %u\n", seed);
	srand(seed);
	for (uint64_t i = 1; i <= LINES; i++) {
		if (rand() % 10 == 0)
			continue;
		row[count++] = last = i;
		came++;
		if (rand() % 10 == 0) {
			row[count++] = i;
			doubled++;
		}
	}
	/* Not the last, so that all are known to have been missed. */
	for (uint64_t i = 0; i + LATE + 1 < count; i++) {
		uint64_t other = i + (uint64_t)(rand() % LATE), swap = row[i];

		row[i] = row[other];
		row[other] = swap;
		i += LATE;
	}
	for (uint64_t i = 0; i < count; i++) {
		switch (take(&sequence, row[i])) {
		case SEQUENCE_NEXT: break;
		case SEQUENCE_BELATED: belated++; break;
		case SEQUENCE_AGAIN: again++; break;
		default: fail();
		}
		lost += missed;
	}
	assert_int_equal(again, doubled);
	assert_int_equal(lost - belated, last - came);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_gap_is_missed_until_it_comes),
		cmocka_unit_test(the_first_lines_may_be_missed),
		cmocka_unit_test(a_row_that_begins_anew_is_noticed),
		cmocka_unit_test(nonsense_changes_nothing),
		cmocka_unit_test(sums_are_exact_whatever_the_network_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
