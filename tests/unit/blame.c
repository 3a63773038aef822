// SPDX-License-Identifier: GPL-2.0-or-later
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "guard/blame.h"
#include "guard/policy.h"

/* Calm is below half of the limit; the horizon is 10 s, what is done is to last for 30 s. */
static const struct policy_settings SETTINGS = { 0.8, 0.5, 10, 0 };

/*
 * A table of 100,000 with 40,000 entries that gains 4000/s, so that 80,000 are expected in 10 s
 * and 30,000 of those must go. The first of three services floods; the second has most.
 */
static struct policy_view flooded(void)
{
	return (struct policy_view){
		.entries = 40000,
		.limit = 100000,
		.slope = 4000,
		.full_in_s = 15,
		.attributed = true,
		.grown_total = 8000,
		.count = 3,
		.services = { { .stock = 10000, .grown = 8000 },
			      { .stock = 20000 },
			      { .stock = 5000 } },
	};
}

static size_t chosen(const struct policy_view *view)
{
	return blame_choose(&SETTINGS, view);
}

static void what_is_being_deleted_does_not_stay(void **state)
{
	struct policy_view view = flooded();

	assert_float_equal(blame_staying(&view), 40000, 0);
	view.leaving = 15000;
	assert_float_equal(blame_staying(&view), 25000, 0);
	assert_float_equal(blame_projected(&view, 10), 65000, 1e-6);
	view.leaving = 50000;
	assert_float_equal(blame_staying(&view), 0, 0);
	view = flooded();
	view.slope = -4000;
	assert_float_equal(blame_projected(&view, 10), 40000, 1e-6);
}

static void a_surge_counts_where_it_leaves_no_time(void **state)
{
	struct policy_view view = flooded();

	view.slope = 100;
	view.full_in_s = 600;
	/* 60,000 are left: 3 s by that, and 1 s. */
	view.surge = 20000;
	assert_float_equal(blame_time_left_s(&view), 3, 1e-9);
	assert_float_equal(blame_gains(&view), 100, 0);
	view.surge = 60000;
	assert_float_equal(blame_time_left_s(&view), 1, 1e-9);
	assert_float_equal(blame_gains(&view), 60000, 0);
	assert_float_equal(blame_projected(&view, 10), 640000, 1e-6);
	assert_int_equal(blame_slice(&SETTINGS, &view, &view.services[0]), POLICY_WHOLE);
	view.slope = 70000;
	assert_float_equal(blame_gains(&view), 70000, 0);
	/* Or where that is all that is known. */
	view.surge = 20000;
	view.slope = 0;
	assert_float_equal(blame_gains(&view), 20000, 0);
	view.slope = -100;
	assert_float_equal(blame_gains(&view), 20000, 0);
	view.surge = 0;
	assert_float_equal(blame_time_left_s(&view), 600, 0);
	view.slope = -100;
	assert_float_equal(blame_gains(&view), 0, 0);
}

/* A table with 85,000 old entries of the second, as the first begins to flood it: no slope is known yet. */
static void who_surges_is_to_blame_before_there_is_a_slope(void **state)
{
	struct policy_view view = flooded();

	view.entries = 90000;
	view.slope = 0;
	view.full_in_s = INFINITY;
	view.grown_total = view.services[0].grown = view.services[0].stock = 2000;
	view.services[1].stock = 85000;
	assert_int_equal(chosen(&view), 1);
	view.surge = 100000;
	assert_int_equal(chosen(&view), 0);
	/* Where that one may not go, the other is no less innocent. */
	view.surge = 25000;
	view.services[0].unsafe = true;
	assert_int_equal(chosen(&view), view.count);
}

static void relief_lasts_for_the_horizon_and_for_an_entrys_life(void **state)
{
	static const struct policy_settings far = { 0.8, 0.5, 300, 0 };

	assert_float_equal(blame_lasting_s(&SETTINGS), 30, 0);
	assert_float_equal(blame_lasting_s(&far), 300, 0);
}

static void
the_part_of_the_growth_is_that_of_who_grew_or_else_of_who_is_there(void **state)
{
	struct policy_view view = flooded();

	assert_float_equal(blame_growth_part(&view, &view.services[0]), 1, 0);
	assert_float_equal(blame_growth_part(&view, &view.services[1]), 0, 0);
	view.services[1].grown = 2000;
	assert_float_equal(blame_growth_part(&view, &view.services[1]), 0.25, 1e-9);
	view.services[1].grown = -2000;
	assert_float_equal(blame_growth_part(&view, &view.services[1]), 0, 0);
	view.services[1].grown = 9000;
	assert_float_equal(blame_growth_part(&view, &view.services[1]), 1, 0);
	view.grown_total = 0;
	assert_float_equal(blame_growth_part(&view, &view.services[1]), 0.5, 1e-9);
	view.entries = 0;
	assert_float_equal(blame_growth_part(&view, &view.services[1]), 0, 0);
}

static void who_is_out_relieves_of_what_it_has_and_what_it_would_bring(void **state)
{
	struct policy_view view = flooded();

	assert_float_equal(blame_relief(&view, &view.services[0], 10), 50000, 1e-6);
	assert_float_equal(blame_relief(&view, &view.services[1], 10), 20000, 1e-6);
	view.slope = -4000;
	assert_float_equal(blame_relief(&view, &view.services[0], 10), 10000, 1e-6);
}

static void who_grows_is_to_blame_and_not_who_has_most(void **state)
{
	struct policy_view view = flooded();

	assert_int_equal(chosen(&view), 0);
	/* A quarter of the growth is enough to be guilty, and then who relieves most goes. */
	view.services[0].grown = 6000;
	view.services[1].grown = 2000;
	assert_int_equal(chosen(&view), 0);
	view.services[1].stock = 45000;
	assert_int_equal(chosen(&view), 1);
	view.services[1].grown = 1999;
	assert_int_equal(chosen(&view), 0);
}

static void who_would_bring_no_relief_is_not_to_blame(void **state)
{
	struct policy_view view = flooded();

	/* A quarter of the 30,000 that must go is 7,500. */
	view.services[0].stock = 100;
	view.services[0].grown = 1480;
	assert_int_equal(chosen(&view), 3);
	view.services[0].grown = 2000;
	view.services[0].stock = 0;
	assert_int_equal(chosen(&view), 0);
}

static void of_a_table_that_stands_who_has_most_is_to_blame(void **state)
{
	struct policy_view view = flooded();

	view.slope = 0;
	assert_int_equal(chosen(&view), 1);
	/* What others have stands at the mark; a quarter of it is enough to be guilty. */
	view.entries = 80000;
	view.services[0].stock = view.services[2].stock = 0;
	view.services[1].stock = 19999;
	assert_int_equal(chosen(&view), 3);
	view.services[1].stock = 20000;
	assert_int_equal(chosen(&view), 1);
}

/* None of them has a quarter of anything, and nobody else is to blame. */
static void of_many_that_are_flooded_alike_the_largest_go(void **state)
{
	struct policy_view view = flooded();

	view.grown_total = 16000;
	view.count = 10;
	for (size_t i = 0; i < view.count; i++)
		view.services[i] =
			(struct policy_service){ .stock = 3000, .grown = 1500 };
	view.services[7].grown = 1600;
	assert_int_equal(chosen(&view), 7);
	/* A bystander is none of them, whatever it has. */
	view.services[4] = (struct policy_service){ .stock = 14000, .grown = 700 };
	assert_int_equal(chosen(&view), 7);
	view.services[4] = (struct policy_service){ .stock = 3000, .grown = 1500 };
	/* One that may not go, or has gone, leaves the others what they are, until they are a minority. */
	view.services[7].unsafe = true;
	assert_int_not_equal(chosen(&view), view.count);
	view.services[0].percent = view.services[1].percent = POLICY_WHOLE;
	view.services[2].held = view.services[3].bounded = true;
	assert_int_equal(chosen(&view), view.count);
}

static void many_that_together_would_not_be_enough_stay(void **state)
{
	struct policy_view view = flooded();

	/* In 10 s they get 6 % of 40,000 each: with 600 each of what they have that makes 30,000. */
	view.grown_total = 10000;
	view.count = 10;
	for (size_t i = 0; i < view.count; i++)
		view.services[i] = (struct policy_service){ .stock = 601, .grown = 600 };
	assert_int_not_equal(chosen(&view), view.count);
	for (size_t i = 0; i < view.count; i++)
		view.services[i].stock = 599;
	assert_int_equal(chosen(&view), view.count);
}

static void a_low_mark_asks_for_little_relief(void **state)
{
	const struct policy_settings low = { 0.01, 0.005, 0, 0 };
	struct policy_view view = flooded();

	/* Half of the three percent is another's, that may not go. */
	view.slope = 0;
	view.grown_total = 0;
	view.entries = 3000;
	view.count = 1;
	view.services[0].stock = 1500;
	assert_int_equal(blame_choose(&low, &view), 0);
	/* However little is too much, no less is to go than an eighth of the mark: 125. */
	view.entries = 120;
	view.services[0].stock = 32;
	assert_int_equal(blame_choose(&low, &view), 0);
	view.services[0].stock = 31;
	assert_int_equal(blame_choose(&low, &view), 1);
}

static void more_of_one_that_is_out_in_part_spares_the_others(void **state)
{
	struct policy_view view = flooded();

	view.services[1].grown = 4000;
	view.services[1].stock = 30000;
	view.services[0].grown = 4000;
	assert_int_equal(chosen(&view), 1);
	view.services[0].percent = 50;
	assert_int_equal(chosen(&view), 0);
	/* Unless that does not suffice. */
	view.services[0].stock = 9999;
	assert_int_equal(chosen(&view), 1);
}

static void for_a_stranger_one_goes_that_alone_is_enough(void **state)
{
	struct policy_view view = flooded();

	view.services[0].grown = 0;
	assert_int_equal(chosen(&view), 3);
	view.services[1].stock = 29999;
	assert_int_equal(chosen(&view), 3);
	view.services[1].stock = 30000;
	assert_int_equal(chosen(&view), 1);
}

/* The forecast remembers bursts; just now nothing comes, and all that is there would fit. */
static void between_the_bursts_of_a_stranger_nobody_goes_for_it(void **state)
{
	struct policy_view view = flooded();

	view.slope = 0;
	view.full_in_s = 8;
	view.services[0] = (struct policy_service){ 0 };
	view.services[1].stock = 9999;
	assert_int_equal(chosen(&view), 3);
	/* One who has enough of it might. */
	view.services[1].stock = 10000;
	assert_int_equal(chosen(&view), 1);
}

static void who_may_not_go_or_is_gone_is_not_chosen(void **state)
{
	struct policy_view view = flooded();

	view.services[0].unsafe = true;
	assert_int_equal(chosen(&view), 3);
	view = flooded();
	view.services[0].bounded = true;
	assert_int_equal(chosen(&view), 3);
	view = flooded();
	view.services[0].held = true;
	assert_int_equal(chosen(&view), 3);
	view = flooded();
	view.services[0].percent = POLICY_WHOLE;
	assert_int_equal(chosen(&view), 3);
	view.services[0].percent = POLICY_WHOLE - 1;
	assert_int_equal(chosen(&view), 0);
	view.count = 0;
	assert_int_equal(chosen(&view), 0);
}

/* In 30 s there are 160,000, and 110,000 too many, of which the first brings 130,000: 84.6 %. */
/* The first has grown by 8000 of 8000; the second has 10,000 more than it. */
static void who_it_is_stands_while_what_nobody_saw_could_not_change_it(void **state)
{
	struct policy_view view = flooded();

	assert_int_equal(chosen(&view), 0);
	assert_true(blame_is_certain(&SETTINGS, &view, 0, 1000));
	/* The second's, they would make it the greater relief. */
	assert_false(blame_is_certain(&SETTINGS, &view, 0, 4000));
	view.services[1].unsafe = true;
	assert_true(blame_is_certain(&SETTINGS, &view, 0, 4000));
	/* Nobody's, or a service's that may not go, they would be what fills the table. */
	assert_false(blame_is_certain(&SETTINGS, &view, 0, 30000));
	view.count = 1;
	assert_false(blame_is_certain(&SETTINGS, &view, 0, 30000));
	assert_true(blame_is_certain(&SETTINGS, &view, 0, 4000));
}

/* Of a table that stands who has most is chosen: that could be another. */
static void without_growth_what_nobody_saw_counts_as_what_one_has(void **state)
{
	struct policy_view view = flooded();

	view.slope = view.grown_total = view.services[0].grown = 0;
	view.entries = 90000;
	view.services[1].stock = 50000;
	assert_int_equal(chosen(&view), 1);
	assert_true(blame_is_certain(&SETTINGS, &view, 1, 39000));
	assert_false(blame_is_certain(&SETTINGS, &view, 1, 41000));
}

static void as_much_goes_as_is_needed_for_long_in_steps_of_ten(void **state)
{
	struct policy_view view = flooded();
	struct policy_service *service = &view.services[0];

	assert_int_equal(blame_slice(&SETTINGS, &view, service), 90);
	view.slope = 0;
	view.entries = 60000;
	service->stock = 50000;
	assert_int_equal(blame_slice(&SETTINGS, &view, service), 20);
	service->stock = 49999;
	assert_int_equal(blame_slice(&SETTINGS, &view, service), 30);
	/* Of what is left of it, if some is out. */
	service->percent = 50;
	service->stock = 25000;
	assert_int_equal(blame_slice(&SETTINGS, &view, service), 70);
	service->stock = 5000;
	assert_int_equal(blame_slice(&SETTINGS, &view, service), POLICY_WHOLE);
}

static void a_step_is_never_too_small_to_matter(void **state)
{
	struct policy_view view = flooded();
	struct policy_service *service = &view.services[0];

	/* Hardly too many: a tenth of the limit goes nevertheless. */
	view.slope = 0;
	view.entries = 50001;
	service->stock = 40000;
	assert_int_equal(blame_slice(&SETTINGS, &view, service), 30);
	/* And a tenth of the service more than is out. */
	service->percent = 95;
	service->stock = 1e6;
	assert_int_equal(blame_slice(&SETTINGS, &view, service), POLICY_WHOLE);
	service->percent = 40;
	assert_int_equal(blame_slice(&SETTINGS, &view, service), 50);
}

static void all_of_it_goes_where_time_is_short(void **state)
{
	struct policy_view view = flooded();

	view.full_in_s = 1.99;
	assert_int_equal(blame_slice(&SETTINGS, &view, &view.services[0]), POLICY_WHOLE);
	view.full_in_s = 2;
	assert_int_equal(blame_slice(&SETTINGS, &view, &view.services[0]), 90);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_being_deleted_does_not_stay),
		cmocka_unit_test(a_surge_counts_where_it_leaves_no_time),
		cmocka_unit_test(who_surges_is_to_blame_before_there_is_a_slope),
		cmocka_unit_test(relief_lasts_for_the_horizon_and_for_an_entrys_life),
		cmocka_unit_test(
			the_part_of_the_growth_is_that_of_who_grew_or_else_of_who_is_there),
		cmocka_unit_test(
			who_is_out_relieves_of_what_it_has_and_what_it_would_bring),
		cmocka_unit_test(who_grows_is_to_blame_and_not_who_has_most),
		cmocka_unit_test(who_would_bring_no_relief_is_not_to_blame),
		cmocka_unit_test(of_a_table_that_stands_who_has_most_is_to_blame),
		cmocka_unit_test(of_many_that_are_flooded_alike_the_largest_go),
		cmocka_unit_test(many_that_together_would_not_be_enough_stay),
		cmocka_unit_test(a_low_mark_asks_for_little_relief),
		cmocka_unit_test(more_of_one_that_is_out_in_part_spares_the_others),
		cmocka_unit_test(for_a_stranger_one_goes_that_alone_is_enough),
		cmocka_unit_test(between_the_bursts_of_a_stranger_nobody_goes_for_it),
		cmocka_unit_test(who_may_not_go_or_is_gone_is_not_chosen),
		cmocka_unit_test(
			who_it_is_stands_while_what_nobody_saw_could_not_change_it),
		cmocka_unit_test(without_growth_what_nobody_saw_counts_as_what_one_has),
		cmocka_unit_test(as_much_goes_as_is_needed_for_long_in_steps_of_ten),
		cmocka_unit_test(a_step_is_never_too_small_to_matter),
		cmocka_unit_test(all_of_it_goes_where_time_is_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
