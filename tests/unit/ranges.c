// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/ranges.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* Numbers below 64, so that a set is a mask too. */
enum { NUMBERS = 64, ROUNDS = 3000 };

static struct ranges from_mask(struct arena *arena, uint64_t mask)
{
	struct range *at = arena_take(arena, NUMBERS * sizeof(*at));
	size_t count = 0;

	for (unsigned i = 0; i < NUMBERS; i++)
		if (mask >> i & 1)
			at[count++] = (struct range){ wide_of(i), wide_of(i) };
	return ranges_normalise(at, count);
}

static uint64_t to_mask(const struct ranges *set)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < set->count; i++) {
		/* Sorted, disjoint and not adjacent. */
		if (i)
			assert_true(set->at[i].first.low > set->at[i - 1].last.low + 1);
		for (uint64_t v = set->at[i].first.low; v <= set->at[i].last.low; v++)
			mask |= UINT64_C(1) << v;
	}
	return mask;
}

static uint64_t random_mask(void)
{
	uint64_t mask =
		(uint64_t)random() << 33 ^ (uint64_t)random() << 11 ^ (uint64_t)random();

	/* Runs of all lengths. */
	return random() % 2 ? mask & (mask >> 1) : mask | (mask >> 1);
}

static void sets_of_numbers_are_cut_and_joined_as_masks_are(void **state)
{
	unsigned seed = (unsigned)time(NULL);

	print_message("seed %u\n", seed);
	srandom(seed);
	for (int round = 0; round < ROUNDS; round++) {
		uint64_t a = random_mask(), b = random_mask();
		struct arena arena = { 0 };
		struct ranges left = from_mask(&arena, a), right = from_mask(&arena, b);
		struct ranges both, rest;

		assert_int_equal(ranges_intersect(&arena, &left, &right, &both), 0);
		assert_int_equal(ranges_subtract(&arena, &left, &right, &rest), 0);
		assert_true(to_mask(&both) == (a & b));
		assert_true(to_mask(&rest) == (a & ~b));
		for (unsigned i = 0; i < NUMBERS; i++)
			assert_int_equal(ranges_have(&left, wide_of(i)), a >> i & 1);
		arena_free(&arena);
	}
}

static void the_ends_of_128_bits_do_not_wrap(void **state)
{
	const struct range all = { { 0, 0 }, wide_greatest(16) };
	const struct range ends[] = { { { 0, 0 }, { 0, 0 } },
				      { wide_greatest(16), wide_greatest(16) } };
	struct ranges rest;
	struct arena arena = { 0 };

	assert_int_equal(ranges_subtract(&arena, &(struct ranges){ &all, 1 },
					 &(struct ranges){ ends, 2 }, &rest),
			 0);
	assert_int_equal(rest.count, 1);
	assert_int_equal(wide_compare(rest.at[0].first, wide_of(1)), 0);
	assert_int_equal(wide_compare(rest.at[0].last, wide_previous(wide_greatest(16))),
			 0);
	arena_free(&arena);
}

static void bytes_are_read_and_written_most_significant_first(void **state)
{
	const uint8_t data[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 };
	uint8_t back[sizeof(data)];

	assert_true(wide_read(data, 2).low == 0x0102);
	wide_write(wide_read(data, sizeof(data)), back, sizeof(back));
	assert_memory_equal(data, back, sizeof(data));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets_of_numbers_are_cut_and_joined_as_masks_are),
		cmocka_unit_test(the_ends_of_128_bits_do_not_wrap),
		cmocka_unit_test(bytes_are_read_and_written_most_significant_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
