// SPDX-License-Identifier: GPL-2.0-or-later
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "guard/giveback.h"
#include "guard/policy.h"

static const struct policy_settings SETTINGS = { 0.8, 0.5, 10, 0 };

/* A UDP service that is out, of which a thousand packets a second arrive. */
static struct giveback_signs signs(void)
{
	return (struct giveback_signs){
		.packets_per_s = 1000,
		.percent = POLICY_WHOLE,
		.stock = INFINITY,
		.lives_s = GIVEBACK_LIFETIME_S,
	};
}

static void each_packet_may_be_a_flow_that_lives_its_time(void **state)
{
	struct giveback_signs s = signs();

	assert_float_equal(giveback_returning(&s), 1000 * GIVEBACK_LIFETIME_S, 1e-6);
	s.packets_per_s = 0;
	assert_float_equal(giveback_returning(&s), 0, 0);
}

static void what_nobody_counted_may_be_anything(void **state)
{
	struct giveback_signs s = signs();

	s.packets_per_s = INFINITY;
	assert_true(isinf(giveback_returning(&s)));
	s = signs();
	s.connections = INFINITY;
	assert_true(isinf(giveback_returning(&s)));
}

static void the_part_that_is_tracked_shows_what_the_rest_brings(void **state)
{
	struct giveback_signs s = signs();

	s.percent = 90;
	s.tracked_s = GIVEBACK_LIFETIME_S;
	s.stock = 100;
	assert_float_equal(giveback_returning(&s), 900, 1e-6);
	/* Of a part that has been tracked for a third of a life there will be three times as much. */
	s.tracked_s = GIVEBACK_LIFETIME_S / 3.0;
	assert_float_equal(giveback_returning(&s), 2700, 1e-6);
	/* It was not seen for long enough. */
	s.tracked_s = 1.9;
	assert_float_equal(giveback_returning(&s), 30000, 1e-6);
	/* More than one flow for each packet cannot come. */
	s.tracked_s = GIVEBACK_LIFETIME_S;
	s.stock = 1e6;
	assert_float_equal(giveback_returning(&s), 30000, 1e-6);
}

static void open_connections_come_back_as_they_are_and_explain_packets(void **state)
{
	struct giveback_signs s = signs();

	s.connections = 50;
	assert_float_equal(giveback_returning(&s), 50, 1e-6);
	s.percent = 40;
	assert_float_equal(giveback_returning(&s), 20, 1e-6);
	/* Ten can send a thousand packets, and no more. */
	s.percent = POLICY_WHOLE;
	s.connections = 10;
	s.packets_per_s = 1001;
	assert_float_equal(giveback_returning(&s), 30, 1e-6);
}

/* However few are open at a time: each that was opened is an entry for long after its end. */
static void connections_that_are_opened_come_back_as_flows(void **state)
{
	struct giveback_signs s = signs();

	s.connections = 90;
	s.opens_per_s = 200;
	s.lives_s = GIVEBACK_TCP_LIFETIME_S;
	assert_float_equal(giveback_returning(&s), 200 * 120, 1e-6);
	/* As many of the part that is out as of all. */
	s.percent = 60;
	assert_float_equal(giveback_returning(&s), 200 * 0.6 * 120, 1e-6);
	/* They may be another service's, for each begins with a packet. */
	s.packets_per_s = 10;
	assert_float_equal(giveback_returning(&s), 10 * 120, 1e-6);
	/* Or the tracked part shows it. */
	s.packets_per_s = 1000;
	s.tracked_s = 60;
	s.stock = 100;
	assert_float_equal(giveback_returning(&s), 100 * 2 * 1.5, 1e-6);
	s.opens_per_s = 0;
	s.stock = INFINITY;
	assert_float_equal(giveback_returning(&s), 54, 1e-6);
}

/* A table of 100,000 with room for 49,000, and a service that is out. */
static struct policy_view view_of(double returning)
{
	return (struct policy_view){
		.entries = 1000,
		.limit = 100000,
		.full_in_s = INFINITY,
		.count = 1,
		.services = { { .percent = POLICY_WHOLE, .returning = returning } },
	};
}

static unsigned stays(const struct policy_view *view)
{
	return giveback_percent(&SETTINGS, view, &view->services[0]);
}

static void little_comes_back_at_once(void **state)
{
	struct policy_view view = view_of(5000);

	assert_int_equal(stays(&view), 0);
	view.services[0].returning = 5001;
	assert_int_equal(stays(&view), 70);
	/* Unless there is no room even for that. */
	view.services[0].returning = 5000;
	view.entries = 45001;
	assert_int_equal(stays(&view), 70);
	view.entries = 50000;
	assert_int_equal(stays(&view), 100);
}

static void the_largest_slice_that_has_room_comes_back(void **state)
{
	struct policy_view view = view_of(490000);

	assert_int_equal(stays(&view), 90);
	view.services[0].returning = 490001;
	assert_int_equal(stays(&view), 91);
	view.services[0].percent = 20;
	view.services[0].returning = 6000;
	assert_int_equal(stays(&view), 0);
}

/* What was given back a moment ago is not there yet, but counts. */
static void what_is_on_its_way_leaves_less_room(void **state)
{
	struct policy_view view = view_of(100000);

	view.awaited = 40000;
	view.awaited_until_ns = 1;
	assert_int_equal(stays(&view), 90);
	view.awaited_until_ns = 0;
	assert_int_equal(stays(&view), 70);
}

static void a_probe_must_be_little(void **state)
{
	struct policy_view view = view_of(500000);

	view.entries = 45000;
	assert_int_equal(stays(&view), 99);
	view.entries = 45001;
	assert_int_equal(stays(&view), 100);
	view.entries = 40000;
	view.services[0].returning = 900000;
	assert_int_equal(stays(&view), 100);
}

/* Flows come over 30 s, connections at once: each no faster than 99,000 in the horizon of 10 s. */
static void what_would_look_like_a_flood_comes_in_smaller_slices(void **state)
{
	struct policy_view view = view_of(100000);

	assert_int_equal(stays(&view), 70);
	view.services[0].connections = 100000;
	assert_int_equal(stays(&view), 91);
	view.services[0].connections = 50000;
	assert_int_equal(stays(&view), 81);
	/* What comes anyway comes, too. */
	view.slope = 5000;
	assert_int_equal(stays(&view), 91);
	view.slope = -5000;
	assert_int_equal(stays(&view), 81);
	view.slope = 9899;
	assert_int_equal(stays(&view), 100);
}

static void what_is_not_known_or_would_die_stays(void **state)
{
	struct policy_view view = view_of(INFINITY);

	assert_int_equal(stays(&view), 100);
	view.services[0].returning = 100;
	view.services[0].fragile = true;
	assert_true(giveback_cuts_nothing(&view.services[0]));
	assert_int_equal(stays(&view), 0);
	view.services[0].connections = 1;
	assert_false(giveback_cuts_nothing(&view.services[0]));
	assert_int_equal(stays(&view), 100);
	view.services[0].connections = INFINITY;
	assert_int_equal(stays(&view), 100);
}

static double random_below(double most)
{
	return most * ((double)rand() / RAND_MAX);
}

static void no_slice_is_more_than_fits(void **state)
{
	unsigned seed = (unsigned)time(NULL);

	print_message("seed %u\n", seed);
	srand(seed);
	for (int i = 0; i < 100000; i++) {
		struct policy_view view = view_of(random_below(1e6));
		struct policy_service *service = &view.services[0];
		unsigned left;

		view.entries = (uint32_t)random_below(60000);
		view.slope = random_below(20000) - 10000;
		service->percent = 1 + (unsigned)random_below(99.9);
		service->connections = random_below(2) < 1 ? 0 : random_below(1e6);
		left = stays(&view);
		assert_true(left <= service->percent);
		if (left == service->percent)
			continue;
		assert_true(view.entries + service->returning *
						   (service->percent - left) /
						   service->percent <=
			    50001);
		assert_true(service->percent - left <= 30 || service->returning <= 5000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_packet_may_be_a_flow_that_lives_its_time),
		cmocka_unit_test(what_nobody_counted_may_be_anything),
		cmocka_unit_test(the_part_that_is_tracked_shows_what_the_rest_brings),
		cmocka_unit_test(
			open_connections_come_back_as_they_are_and_explain_packets),
		cmocka_unit_test(connections_that_are_opened_come_back_as_flows),
		cmocka_unit_test(little_comes_back_at_once),
		cmocka_unit_test(the_largest_slice_that_has_room_comes_back),
		cmocka_unit_test(what_is_on_its_way_leaves_less_room),
		cmocka_unit_test(a_probe_must_be_little),
		cmocka_unit_test(what_would_look_like_a_flood_comes_in_smaller_slices),
		cmocka_unit_test(what_is_not_known_or_would_die_stays),
		cmocka_unit_test(no_slice_is_more_than_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
