// SPDX-License-Identifier: GPL-2.0-or-later
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "guard/awaited.h"
#include "guard/giveback.h"
#include "guard/policy.h"

static const uint64_t SECOND = 1000000000;

/* A table of 100,000 at rest, and two services that are out: they would bring 20,000 and 10,000. */
static struct policy_view view_of_two(void)
{
	return (struct policy_view){
		.now_ns = 1000 * SECOND,
		.entries = 1000,
		.limit = 100000,
		.count = 2,
		.services = { { .percent = POLICY_WHOLE, .returning = 20000 },
			      { .percent = POLICY_WHOLE, .returning = 10000 } },
	};
}

static void what_is_out_brings_nothing(void **state)
{
	struct policy_view view = view_of_two();

	assert_float_equal(awaited_entries(&view), 1000, 0);
}

static void what_was_given_back_is_awaited_until_it_must_have_come(void **state)
{
	struct policy_view view = view_of_two();

	awaited_note(&view, 0, 70);
	assert_float_equal(awaited_entries(&view), 1000 + 6000, 1e-6);
	awaited_note(&view, 1, 0);
	assert_float_equal(awaited_entries(&view), 1000 + 6000 + 10000, 1e-6);
	view.services[0] = view.services[1] = (struct policy_service){ 0 };
	view.now_ns += GIVEBACK_LIFETIME_S * SECOND - 1;
	assert_float_equal(awaited_entries(&view), 17000, 1e-6);
	/* What has come is there. */
	view.entries = 18000;
	assert_float_equal(awaited_entries(&view), 18000, 0);
	view.entries = 2000;
	view.now_ns += 1;
	assert_float_equal(awaited_entries(&view), 2000, 0);
}

static void what_lives_longer_is_awaited_longer(void **state)
{
	struct policy_view view = view_of_two();

	view.services[0].lives_s = 120;
	awaited_note(&view, 0, 0);
	awaited_note(&view, 1, 0);
	view.now_ns += 119 * SECOND;
	assert_float_equal(awaited_entries(&view), 31000, 1e-6);
}

static void a_part_that_is_tracked_will_have_what_the_other_tells(void **state)
{
	struct policy_view view = view_of_two();

	/* The 60 % that are out would bring 12,000, so the rest gets to 8000, of which there are 2000. */
	view.services[0] = (struct policy_service){
		.percent = 60,
		.returning = 12000,
		.stock = 2000,
	};
	assert_float_equal(awaited_entries(&view), 1000 + 6000, 1e-6);
	view.services[0].stock = 9000;
	assert_float_equal(awaited_entries(&view), 1000, 1e-6);
	view.services[0].stock = 0;
	view.services[0].returning = INFINITY;
	assert_float_equal(awaited_entries(&view), 1000, 0);
	view.services[0].returning = 12000;
	view.services[0].held = true;
	assert_float_equal(awaited_entries(&view), 1000, 0);
}

static void what_is_taken_out_again_is_not_awaited(void **state)
{
	struct policy_view view = view_of_two();

	awaited_note(&view, 0, 50);
	view.services[0].percent = 50;
	view.services[0].stock = 10000;
	awaited_note(&view, 0, 60);
	assert_float_equal(awaited_entries(&view), 11000, 1e-6);
	view.services[0].percent = POLICY_WHOLE;
	assert_float_equal(awaited_entries(&view), 1000, 1e-6);
	/* Nobody knows what it brings, but that something was given back. */
	view.services[1].returning = INFINITY;
	awaited_note(&view, 1, 0);
	assert_float_equal(awaited_entries(&view), 1000, 0);
	assert_int_equal(view.given_ns, view.now_ns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_out_brings_nothing),
		cmocka_unit_test(what_was_given_back_is_awaited_until_it_must_have_come),
		cmocka_unit_test(what_lives_longer_is_awaited_longer),
		cmocka_unit_test(a_part_that_is_tracked_will_have_what_the_other_tells),
		cmocka_unit_test(what_is_taken_out_again_is_not_awaited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
