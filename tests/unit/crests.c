// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conntrack/crests.h"

/* Half seconds, each with its number for the most, and that less 100 for the least. */
static struct crests crests_of(int marks)
{
	struct crests crests = { 0 };

	for (int i = 1; i <= marks; i++)
		crests_add(&crests, 0.5, 1000 + i, 900 + i);
	return crests;
}

static void each_half_has_its_crest(void **state)
{
	/* 82 s: 20 spans of 4 s, and 2 s of the next. */
	struct crests crests = crests_of(164);
	struct crests_halves halves;

	assert_true(crests_over(&crests, 40, &halves));
	assert_true(halves.newer == 1164);
	/* The newer half ends where 22 s are past, the older begins where 42 are. */
	assert_true(halves.older == 1120);
	assert_true(halves.trough == 900 + 121);
	assert_true(halves.floor == 900 + 81);
}

static void it_goes_back_no_further_than_it_was_told(void **state)
{
	struct crests crests = crests_of(80), none = { 0 };
	struct crests_halves halves = { .older = 77 };

	assert_false(crests_over(&none, 1, &halves));
	assert_false(crests_over(&crests, 40.5, &halves));
	assert_true(halves.older == 77);
	assert_true(crests_over(&crests, 40, &halves));
}

static void what_is_four_minutes_old_is_forgotten(void **state)
{
	struct crests crests = { 0 };
	struct crests_halves halves;

	crests_add(&crests, 4, 5000, 5000);
	for (int i = 0; i < CRESTS_SPANS - 1; i++)
		crests_add(&crests, 4, 1000, 1000);
	assert_true(crests_over(&crests, CRESTS_SPANS * CRESTS_SPAN_S, &halves));
	assert_true(halves.older == 5000);
	crests_add(&crests, 4, 1000, 1000);
	assert_true(crests_over(&crests, CRESTS_SPANS * CRESTS_SPAN_S, &halves));
	assert_true(halves.older == 1000);
	assert_false(crests_over(&crests, (CRESTS_SPANS + 1) * CRESTS_SPAN_S, &halves));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_half_has_its_crest),
		cmocka_unit_test(it_goes_back_no_further_than_it_was_told),
		cmocka_unit_test(what_is_four_minutes_old_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
