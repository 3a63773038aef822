// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "rules/bytes.h"

static struct world *make_world(void)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	world->budget = 10000000;
	return world;
}

static void drop_world(struct world *world)
{
	assert_false(world->spent);
	world_free(world);
	free(world);
}

static const struct world_key KEY = { .kind = 1 }, OTHER = { .kind = 2 };

static void every_case_comes_once_and_no_other(void **state)
{
	const struct range small = { wide_of(10), wide_of(19) };
	const struct range even[] = { { wide_of(0), wide_of(12) },
				      { wide_of(14), wide_of(14) } };
	struct world *world = make_world();
	const struct world_point start = world_point(world);
	unsigned seen[2][2][3] = { 0 }, cases = 0;

	do {
		unsigned symbol =
			world_symbol(world, &KEY, 2, &(struct ranges){ &small, 1 });
		bool in = world_decide(world, symbol, &(struct ranges){ even, 2 });
		bool fact = world_assume(world, &OTHER, NULL, 0);
		unsigned choice = in ? 0 : world_choose(world, 3);

		/* The same questions have the same answers. */
		assert_int_equal(world_decide(world, symbol, &(struct ranges){ even, 2 }),
				 in);
		assert_int_equal(world_assume(world, &OTHER, NULL, 0), fact);
		seen[in][fact][choice]++;
		cases++;
	} while (world_again(world, &start));
	assert_int_equal(cases, 2 + 2 * 3);
	for (int fact = 0; fact < 2; fact++) {
		assert_int_equal(seen[1][fact][0], 1);
		for (int choice = 0; choice < 3; choice++)
			assert_int_equal(seen[0][fact][choice], 1);
	}
	drop_world(world);
}

static void what_cannot_be_is_not_asked(void **state)
{
	const struct range small = { wide_of(10), wide_of(19) };
	const struct range outside = { wide_of(20), wide_of(30) };
	const struct range all = { wide_of(0), wide_of(19) };
	struct world *world = make_world();
	unsigned symbol = world_symbol(world, &KEY, 2, &(struct ranges){ &small, 1 });

	assert_false(world_decide(world, symbol, &(struct ranges){ &outside, 1 }));
	assert_true(world_decide(world, symbol, &(struct ranges){ &all, 1 }));
	assert_int_equal(world->choices, 0);
	drop_world(world);
}

static void a_budget_that_is_spent_is_said_to_be(void **state)
{
	struct world *world = make_world();

	world->budget = 2;
	assert_true(world_spend(world, 1));
	assert_true(world_spend(world, 1));
	assert_false(world_spend(world, 1));
	assert_true(world->spent);
	world->spent = false;
	drop_world(world);
}

enum { ROUNDS = 400 };

/*
 * A symbol of two bytes is asked random questions; of the cases that come, each number is in exactly
 * one, with the answers that it has.
 */
struct question {
	unsigned kind;
	uint16_t first, last, mask;
};

static bool ask(struct world *world, const struct question *question)
{
	uint8_t first[2] = { (uint8_t)(question->first >> 8), (uint8_t)question->first };
	uint8_t last[2] = { (uint8_t)(question->last >> 8), (uint8_t)question->last };
	const uint8_t mask[2] = { (uint8_t)(question->mask >> 8),
				  (uint8_t)question->mask };
	struct byte bytes[2];

	bytes_put_symbol(bytes, 2, world_symbol(world, &KEY, 2, NULL));
	switch (question->kind) {
	case 0: return bytes_within(world, bytes, 2, first, last);
	case 1: return bytes_within(world, bytes, 1, first, last);
	case 2: return bytes_equal(world, bytes + 1, 1, first + 1);
	default: break;
	}
	for (int i = 0; i < 2; i++) {
		bytes[i].mask &= mask[i];
		bytes[i].is_symbol = bytes[i].mask;
		first[i] &= mask[i];
	}
	return bytes_equal(world, bytes, 2, first);
}

static bool answer(uint16_t number, const struct question *question)
{
	switch (question->kind) {
	case 0: return number >= question->first && number <= question->last;
	case 1:
		return number >> 8 >= question->first >> 8 &&
		       number >> 8 <= question->last >> 8;
	case 2: return (number & 0xff) == (question->first & 0xff);
	default: return (number & question->mask) == (question->first & question->mask);
	}
}

static void questions_about_bytes_split_numbers_as_arithmetic_does(void **state)
{
	static const uint16_t MASKS[] = { 0xff00, 0xf000, 0x0017, 0x00ff, 0x1111 };
	unsigned seed = (unsigned)time(NULL);

	print_message("seed %u\n", seed);
	srandom(seed);
	for (int round = 0; round < ROUNDS; round++) {
		struct world *world = make_world();
		const struct world_point start = world_point(world);
		struct question questions[4];
		uint32_t covered = 0;

		for (int i = 0; i < 4; i++) {
			uint16_t a = (uint16_t)random(), b = (uint16_t)random();

			questions[i] =
				(struct question){ (unsigned)random() % 4, a < b ? a : b,
						   a < b ? b : a, MASKS[random() % 5] };
		}
		do {
			bool answers[4];
			const struct ranges *domain;

			for (int i = 0; i < 4; i++)
				answers[i] = ask(world, &questions[i]);
			domain = &world->symbol[0].domain;
			for (size_t r = 0; r < domain->count; r++) {
				uint16_t number = (uint16_t)domain->at[r].last.low;

				covered += (uint32_t)(domain->at[r].last.low -
						      domain->at[r].first.low + 1);
				for (int i = 0; i < 4; i++)
					assert_int_equal(answer(number, &questions[i]),
							 answers[i]);
			}
		} while (world_again(world, &start));
		assert_int_equal(covered, UINT16_MAX + 1);
		drop_world(world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_case_comes_once_and_no_other),
		cmocka_unit_test(what_cannot_be_is_not_asked),
		cmocka_unit_test(a_budget_that_is_spent_is_said_to_be),
		cmocka_unit_test(questions_about_bytes_split_numbers_as_arithmetic_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
