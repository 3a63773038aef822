// SPDX-License-Identifier: GPL-2.0-or-later
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "guard/policy.h"
#include "guard/remains.h"

static const uint64_t SECOND = 1000000000;
static const struct policy_settings SETTINGS = { 0.8, 0.5, 10, 0 };

/* A table of 100,000 at rest, with two services that may be taken out. */
static struct policy_view quiet(void)
{
	return (struct policy_view){
		.now_ns = 1000 * SECOND,
		.entries = 1000,
		.limit = 100000,
		.full_in_s = INFINITY,
		.count = 2,
		.services = { { .name = "udp/1", .release_after_s = 5 },
			      { .name = "udp/2", .release_after_s = 5 } },
	};
}

/* 10,000 new entries a second since the baseline, all of the first service. */
static struct policy_view flooded(void)
{
	struct policy_view view = quiet();

	view.entries = 12000;
	view.slope = 10000;
	view.full_in_s = 8.8;
	view.attributed = true;
	view.grown_total = 11000;
	view.services[0].stock = 11000;
	view.services[0].grown = 11000;
	view.services[1].stock = 900;
	return view;
}

static struct policy_decision decide(struct policy_view *view)
{
	struct policy_decision decision;

	policy_note_calm(&SETTINGS, view);
	policy_decide(&SETTINGS, view, &decision);
	return decision;
}

static void a_table_at_rest_is_left_alone(void **state)
{
	struct policy_view view = quiet();

	assert_int_equal(decide(&view).action, POLICY_REST);
}

static void a_forecast_within_the_horizon_asks_who_it_is(void **state)
{
	struct policy_view view = flooded();

	view.attributed = false;
	assert_int_equal(decide(&view).action, POLICY_ATTRIBUTE);
	view.full_in_s = 10.5;
	assert_int_equal(decide(&view).action, POLICY_REST);
}

/* The forecast knows of nothing yet; the table is full in 0.2 s. */
static void a_surge_leaves_no_time_to_collect_or_to_see_how_much_is_enough(void **state)
{
	struct policy_view view = flooded();
	struct policy_decision decision;

	view.entries = 81000;
	view.slope = 0;
	view.full_in_s = INFINITY;
	assert_int_equal(decide(&view).action, POLICY_PURGE);
	view.surge = 95000;
	decision = decide(&view);
	assert_int_equal(decision.action, POLICY_ENGAGE);
	assert_int_equal(decision.service, 0);
	assert_int_equal(decision.percent, POLICY_WHOLE);
	/* But who grows is seen first, as long as the mark is not reached. */
	view = flooded();
	view.grown_total = 0;
	view.surge = 300000;
	assert_int_equal(decide(&view).action, POLICY_REST);
	view.entries = 81000;
	view.services[0].stock = 79000;
	assert_int_equal(decide(&view).action, POLICY_ENGAGE);
	/* It does not trigger by itself. */
	view.full_in_s = INFINITY;
	view.entries = 79000;
	assert_int_equal(decide(&view).action, POLICY_REST);
}

static void a_rise_of_few_is_no_surge(void **state)
{
	assert_true(policy_surge_rise(262144) > 600);
	assert_true(policy_surge_rise(262144) < 700);
	assert_true(policy_surge_rise(1000) == 200);
}

static bool decides_by_memory(const struct policy_view *view, double unseen)
{
	struct policy_decision decision = { .action = POLICY_HELPLESS };
	bool enough = policy_decide_by_memory(&SETTINGS, view, unseen, &decision);

	assert_int_equal(decision.action, enough ? POLICY_ENGAGE : POLICY_HELPLESS);
	return enough;
}

static void what_was_known_a_moment_ago_is_enough_to_take_who_grows_out(void **state)
{
	struct policy_view view = flooded();

	assert_true(decides_by_memory(&view, 0));
	assert_true(decides_by_memory(&view, 4000));
	/* All of them a stranger's: that would be who grows. */
	assert_false(decides_by_memory(&view, 40000));
}

static void what_was_known_is_not_enough_without_who_grows(void **state)
{
	struct policy_view view = flooded();

	view.grown_total = view.services[0].grown = 0;
	view.purged_ns = view.now_ns;
	view.entries = 85000;
	view.services[0].stock = 84000;
	assert_false(decides_by_memory(&view, 0));
	view.slope = 0;
	view.surge = 50000;
	assert_false(decides_by_memory(&view, 0));
	view.surge = 0;
	view.slope = 0;
	assert_true(decides_by_memory(&view, 0));
	view.entries = 12000;
	view.full_in_s = INFINITY;
	assert_false(decides_by_memory(&view, 0));
}

static void the_mark_triggers_without_a_forecast(void **state)
{
	struct policy_view view = quiet();

	view.entries = 80000;
	view.purged_ns = view.now_ns;
	assert_int_equal(decide(&view).action, POLICY_ATTRIBUTE);
	view.entries = 79999;
	assert_int_equal(decide(&view).action, POLICY_REST);
}

static void the_guilty_service_is_engaged_and_the_reason_is_told(void **state)
{
	struct policy_view view = flooded();
	struct policy_decision decision = decide(&view);

	assert_int_equal(decision.action, POLICY_ENGAGE);
	assert_int_equal(decision.service, 0);
	assert_int_equal(decision.percent, 90);
	assert_true(decision.projected < 15000);
	assert_non_null(strstr(decision.why, "full in 8.8 s"));
	assert_non_null(strstr(decision.why, "12000 of 100000"));
}

static void growth_counts_more_than_what_was_there_before(void **state)
{
	struct policy_view view = flooded();

	/* The second has long had far more entries, but all that comes is the first's. */
	view.entries = 42000;
	view.services[1].stock = 30000;
	view.purged_ns = view.now_ns;
	view.services[1].grown = 10;
	assert_int_equal(decide(&view).action, POLICY_ENGAGE);
	assert_int_equal(decide(&view).service, 0);
}

static void without_a_baseline_the_larger_stock_is_guilty_if_time_is_short(void **state)
{
	struct policy_view view = flooded();

	view.grown_total = 0;
	assert_int_equal(decide(&view).action, POLICY_REST);
	view.full_in_s = 0.5;
	assert_int_equal(decide(&view).action, POLICY_ENGAGE);
	assert_int_equal(decide(&view).service, 0);
}

/* It may have been another flood that grew since; only if time is short that must do. */
static void
who_grew_since_long_ago_is_not_blamed_while_there_is_time_to_look(void **state)
{
	struct policy_view view = flooded();

	view.grown_in_s = POLICY_FRESH_S + 0.1;
	assert_true(policy_should_wait(&SETTINGS, &view));
	assert_int_equal(decide(&view).action, POLICY_REST);
	view.full_in_s = 0.5;
	assert_int_equal(decide(&view).action, POLICY_ENGAGE);
	view.full_in_s = 8.8;
	view.entries = 80000;
	view.purged_ns = view.now_ns;
	assert_int_equal(decide(&view).action, POLICY_ENGAGE);
	view = flooded();
	view.grown_in_s = POLICY_FRESH_S;
	assert_int_equal(decide(&view).action, POLICY_ENGAGE);
}

/* At the mark by a slow flood of the first; the second has most, from long ago. */
static struct policy_view old_and_new(void)
{
	struct policy_view view = quiet();

	view.entries = 80000;
	view.purged_ns = view.now_ns;
	view.slope = 1000;
	view.full_in_s = 20;
	view.attributed = true;
	view.grown_total = 20000;
	view.services[0].stock = 20000;
	view.services[0].grown = 20000;
	view.services[1].stock = 58000;
	return view;
}

static void old_entries_are_no_flood(void **state)
{
	struct policy_view view = old_and_new();
	struct policy_decision decision = decide(&view);

	assert_int_equal(decision.action, POLICY_ENGAGE);
	assert_int_equal(decision.service, 0);
}

static void a_table_that_stands_at_the_mark_is_blamed_on_who_has_most(void **state)
{
	struct policy_view view = old_and_new();

	view.slope = 0;
	view.full_in_s = INFINITY;
	assert_int_equal(decide(&view).action, POLICY_ENGAGE);
	assert_int_equal(decide(&view).service, 1);
}

static void a_service_that_alone_would_calm_the_table_goes_for_a_stranger(void **state)
{
	struct policy_view view = old_and_new();

	/* The growth is a stranger's, but without the second there is room for it. */
	view.services[0].grown = 0;
	assert_int_equal(decide(&view).action, POLICY_ENGAGE);
	assert_int_equal(decide(&view).service, 1);
	view.services[1].stock = 30000;
	assert_int_equal(decide(&view).action, POLICY_HELPLESS);
}

static void marks_close_together_make_nobody_guilty(void **state)
{
	static const struct policy_settings close = { 0.8, 0.79, 10, 0 };
	struct policy_view view = old_and_new();
	struct policy_decision decision;

	view.slope = 0;
	view.full_in_s = INFINITY;
	view.services[1].stock = 900;
	view.services[0].stock = 800;
	policy_decide(&close, &view, &decision);
	assert_int_equal(decision.action, POLICY_HELPLESS);
}

static void what_nobody_has_measured_does_not_return(void **state)
{
	struct policy_view view = quiet();

	view.services[0].percent = POLICY_WHOLE;
	view.services[0].changed_ns = view.now_ns;
	view.services[0].returning = INFINITY;
	decide(&view);
	view.now_ns += 1000 * SECOND;
	assert_int_equal(decide(&view).action, POLICY_REST);
}

static void a_bystander_is_never_taken_out_for_a_flood_that_is_not_its(void **state)
{
	struct policy_view view = flooded();
	struct policy_decision decision;

	view.services[0].stock = 0;
	view.services[0].grown = 0;
	view.top = "udp/666";
	view.top_share = 0.92;
	decision = decide(&view);
	assert_int_equal(decision.action, POLICY_HELPLESS);
	assert_non_null(strstr(decision.why, "udp/666 (92 %), and no service"));
	/* It is one that is configured, but may not go. */
	view.services[0].unsafe = true;
	view.top = "udp/1";
	decision = decide(&view);
	assert_non_null(
		strstr(decision.why, "udp/1 (92 %), which it is not safe to take out"));
}

static void an_engaged_service_is_not_engaged_again(void **state)
{
	struct policy_view view = flooded();

	view.services[0].percent = POLICY_WHOLE;
	view.services[0].stock = 0;
	assert_int_equal(decide(&view).action, POLICY_HELPLESS);
}

/* By conntrackd or by hand: no packet of it is tracked. */
static struct policy_view left_over(void)
{
	struct policy_view view = quiet();

	view.entries = 85000;
	view.purged_ns = view.now_ns;
	view.attributed = true;
	view.services[0].percent = POLICY_WHOLE;
	view.services[0].stock = 80000;
	return view;
}

static struct policy_decision decide_and_note(struct policy_view *view)
{
	struct policy_decision decision = decide(view);

	remains_note(view, &decision);
	return decision;
}

static void entries_of_what_is_out_are_deleted_again_before_nothing_helps(void **state)
{
	struct policy_view view = left_over();
	struct policy_decision decision;

	for (int i = 0; i < 3; i++) {
		decision = decide_and_note(&view);
		assert_int_equal(decision.action, POLICY_DELETE);
		assert_int_equal(decision.service, 0);
		assert_int_equal(decision.percent, POLICY_WHOLE);
		assert_float_equal(decision.projected, 5000, 1);
		assert_non_null(strstr(decision.why, "all of udp/1 is out of tracking, "
						     "but 80000 entries of it remain"));
		/* While they are being deleted, and a moment after. */
		view.deleting = true;
		view.leaving = 80000;
		assert_int_equal(decide_and_note(&view).action, POLICY_REST);
		/* More have gone than were thought to be there. */
		view.leaving = 0;
		view.now_ns += SECOND;
		assert_int_equal(decide_and_note(&view).action, POLICY_REST);
		view.now_ns -= SECOND;
		view.deleting = false;
		view.now_ns += SECOND - 1;
		decision = decide_and_note(&view);
		assert_int_equal(decision.action, i < 2 ? POLICY_REST : POLICY_HELPLESS);
		view.now_ns++;
	}
	assert_non_null(strstr(decision.why, "80000 entries of udp/1 remain though"));
	view.now_ns += 28 * SECOND;
	view.purged_ns = view.now_ns;
	assert_int_equal(decide_and_note(&view).action, POLICY_HELPLESS);
	view.now_ns += SECOND;
	assert_int_equal(decide_and_note(&view).action, POLICY_DELETE);
	view.now_ns += SECOND;
	assert_int_equal(decide_and_note(&view).action, POLICY_HELPLESS);
	/* It helped in the end: the next time is another. */
	view.entries = 5000;
	assert_int_equal(decide_and_note(&view).action, POLICY_REST);
	view.entries = 85000;
	assert_int_equal(decide_and_note(&view).action, POLICY_DELETE);
}

static void what_remains_is_deleted_before_somebody_else_goes_for_it(void **state)
{
	struct policy_view view = left_over();

	view.services[1].stock = 70000;
	assert_int_equal(decide_and_note(&view).action, POLICY_DELETE);
	/* Without waiting for it, if the table fills all the same. */
	assert_int_equal(decide_and_note(&view).action, POLICY_ENGAGE);
	assert_int_equal(decide_and_note(&view).service, 1);
}

static void what_remains_is_left_alone_where_it_is_little_or_others_keep_it(void **state)
{
	struct policy_view view = left_over();

	view.services[0].held = true;
	assert_int_equal(decide(&view).action, POLICY_HELPLESS);
	view.services[0].held = false;
	view.services[0].stock = 8700;
	assert_int_equal(decide(&view).action, POLICY_HELPLESS);
	view.services[0].stock = 8800;
	assert_int_equal(decide(&view).action, POLICY_DELETE);
	view.services[0].percent = POLICY_WHOLE - 1;
	view.services[0].unsafe = true;
	assert_int_equal(decide(&view).action, POLICY_HELPLESS);
}

/* Of two the larger. */
static void what_remains_most_is_deleted_first(void **state)
{
	struct policy_view view = left_over();

	view.services[1].percent = POLICY_WHOLE;
	view.services[1].stock = 60000;
	assert_int_equal(decide(&view).service, 0);
	view.services[0].stock = 20000;
	assert_int_equal(decide(&view).service, 1);
}

static void a_service_returns_only_after_it_has_been_calm_long_enough(void **state)
{
	struct policy_view view = quiet();

	view.services[0].percent = POLICY_WHOLE;
	view.services[0].changed_ns = view.now_ns;
	view.services[0].returning = 10000;
	assert_int_equal(decide(&view).action, POLICY_REST);
	view.now_ns += 5 * SECOND - 1;
	assert_int_equal(decide(&view).action, POLICY_REST);
	view.now_ns += 1;
	assert_int_equal(decide(&view).action, POLICY_RELEASE);
	assert_int_equal(decide(&view).service, 0);
}

static void a_moment_of_load_starts_the_wait_anew(void **state)
{
	struct policy_view view = quiet();

	view.services[0].percent = POLICY_WHOLE;
	view.services[0].changed_ns = view.now_ns;
	decide(&view);
	view.now_ns += 4 * SECOND;
	view.services[0].returning = 9e6;
	decide(&view);
	view.services[0].returning = 0;
	view.now_ns += 2 * SECOND;
	assert_int_equal(decide(&view).action, POLICY_REST);
	view.now_ns += 5 * SECOND;
	assert_int_equal(decide(&view).action, POLICY_RELEASE);
}

static void what_would_overfill_the_table_does_not_return(void **state)
{
	struct policy_view view = quiet();

	view.services[0].percent = POLICY_WHOLE;
	view.services[0].changed_ns = view.now_ns;
	view.services[0].returning = 49e6;
	decide(&view);
	view.now_ns += 1000 * SECOND;
	assert_int_equal(decide(&view).action, POLICY_REST);
}

static void what_does_not_fit_at_once_returns_in_slices(void **state)
{
	static const unsigned left[] = { 70, 40, 10, 0 };
	struct policy_view view = quiet();
	struct policy_service *service = &view.services[0];

	service->percent = POLICY_WHOLE;
	for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
		struct policy_decision decision;

		service->changed_ns = view.now_ns;
		service->returning = 400.0 * service->percent;
		decide(&view);
		view.now_ns += 5 * SECOND;
		decision = decide(&view);
		assert_int_equal(decision.action, POLICY_RELEASE);
		assert_int_equal(decision.percent, left[i]);
		service->percent = decision.percent;
	}
}

static void what_hardly_fits_is_probed(void **state)
{
	struct policy_view view = quiet();

	view.services[0].percent = POLICY_WHOLE;
	view.services[0].changed_ns = view.now_ns;
	view.services[0].returning = 500000;
	view.entries = 45000;
	decide(&view);
	view.now_ns += 5 * SECOND;
	assert_int_equal(decide(&view).percent, 99);
	view.entries = 44000;
	view.services[0].returning = 500001;
	assert_int_equal(decide(&view).action, POLICY_REST);
}

static void a_slice_that_would_fill_the_table_within_the_horizon_stays(void **state)
{
	static const struct policy_settings far = { 0.8, 0.5, 300, 0 };
	struct policy_view view = quiet();
	struct policy_decision decision;

	view.services[0].percent = POLICY_WHOLE;
	view.services[0].returning = 40000;
	policy_note_calm(&far, &view);
	view.now_ns += 60 * SECOND;
	policy_note_calm(&far, &view);
	policy_decide(&far, &view, &decision);
	assert_int_equal(decision.action, POLICY_RELEASE);
	assert_int_equal(decision.percent, 76);
}

static void connections_that_would_die_stay_out(void **state)
{
	struct policy_view view = quiet();

	view.services[0].percent = POLICY_WHOLE;
	view.services[0].fragile = true;
	view.services[0].connections = 1;
	decide(&view);
	view.now_ns += 60 * SECOND;
	assert_int_equal(decide(&view).action, POLICY_REST);
	view.services[0].connections = 0;
	decide(&view);
	view.now_ns += 60 * SECOND;
	assert_int_equal(decide(&view).action, POLICY_RELEASE);
}

static void where_time_is_short_all_of_it_goes(void **state)
{
	struct policy_view view = flooded();

	view.full_in_s = 1.9;
	assert_int_equal(decide(&view).percent, POLICY_WHOLE);
}

static void a_slice_is_raised_before_another_service_goes(void **state)
{
	struct policy_view view = flooded();

	view.services[0].percent = 90;
	view.services[0].stock = 10500;
	view.services[0].grown = 10000;
	assert_int_equal(decide(&view).action, POLICY_ENGAGE);
	assert_int_equal(decide(&view).service, 0);
	assert_int_equal(decide(&view).percent, POLICY_WHOLE);
}

static void what_may_not_go_stays(void **state)
{
	struct policy_view view = flooded();

	view.services[0].unsafe = true;
	assert_int_equal(decide(&view).action, POLICY_HELPLESS);
	view = flooded();
	view.services[0].bounded = true;
	assert_int_equal(decide(&view).action, POLICY_HELPLESS);
	view = flooded();
	view.services[0].held = true;
	assert_int_equal(decide(&view).action, POLICY_HELPLESS);
}

static void expired_entries_are_collected_before_anybody_is_blamed(void **state)
{
	struct policy_view view = flooded();

	view.entries = 25000;
	assert_int_equal(decide(&view).action, POLICY_PURGE);
	assert_true(decide(&view).why[0]);
	view.purging = true;
	assert_int_equal(decide(&view).action, POLICY_REST);
	view.full_in_s = 2;
	assert_int_equal(decide(&view).action, POLICY_ENGAGE);
	view = flooded();
	view.entries = 25000;
	view.purged_ns = view.now_ns - 10 * SECOND + 1;
	assert_int_equal(decide(&view).action, POLICY_ENGAGE);
	view.purged_ns--;
	assert_int_equal(decide(&view).action, POLICY_PURGE);
}

/* Who else it is waits for the lock that deleting holds, while leases are to be refreshed. */
static void
while_entries_are_deleted_nobody_else_is_asked_for_unless_it_fills(void **state)
{
	struct policy_view view = quiet();

	view.entries = 85000;
	view.purged_ns = view.now_ns;
	view.deleting = true;
	assert_int_equal(decide(&view).action, POLICY_REST);
	view.slope = 1;
	assert_int_equal(decide(&view).action, POLICY_ATTRIBUTE);
	view.slope = 0;
	view.surge = 1;
	assert_int_equal(decide(&view).action, POLICY_ATTRIBUTE);
	view.surge = 0;
	view.full_in_s = 10;
	assert_int_equal(decide(&view).action, POLICY_ATTRIBUTE);
	view.full_in_s = 10.1;
	assert_int_equal(decide(&view).action, POLICY_REST);
}

/* As when the guard starts, or the limit was lowered: collecting would only let it fill further. */
static void far_beyond_the_mark_somebody_goes_before_the_expired(void **state)
{
	struct policy_view view = quiet();
	struct policy_decision decision;

	view.entries = 81999;
	view.services[0].stock = 60000;
	assert_int_equal(decide(&view).action, POLICY_PURGE);
	view.entries = 82000;
	assert_int_equal(decide(&view).action, POLICY_ATTRIBUTE);
	view.attributed = true;
	decision = decide(&view);
	assert_int_equal(decision.action, POLICY_ENGAGE);
	assert_int_equal(decision.service, 0);
	/* What is left may have expired: that is seen before the next is blamed. */
	view.services[0].percent = POLICY_WHOLE;
	view.services[0].changed_ns = view.now_ns;
	view.services[0].stock = 0;
	view.services[1].stock = 60000;
	assert_int_equal(decide(&view).action, POLICY_PURGE);
	view.purging = true;
	assert_int_equal(decide(&view).action, POLICY_REST);
	view.purging = false;
	view.purged_ns = view.now_ns;
	decision = decide(&view);
	assert_int_equal(decision.action, POLICY_ENGAGE);
	assert_int_equal(decision.service, 1);
}

static void far_beyond_the_mark_the_expired_go_where_nobody_can(void **state)
{
	struct policy_view view = quiet();

	view.entries = 90000;
	view.attributed = true;
	assert_int_equal(decide(&view).action, POLICY_PURGE);
	view.purged_ns = view.now_ns;
	assert_int_equal(decide(&view).action, POLICY_HELPLESS);
}

static void entries_that_are_being_deleted_are_no_trouble(void **state)
{
	struct policy_view view = quiet();

	view.entries = 85000;
	view.leaving = 10000;
	view.attributed = true;
	view.purged_ns = view.now_ns;
	assert_int_equal(decide(&view).action, POLICY_REST);
	/* A flood beside that is, but not yet a reason to say that nothing helps. */
	view.full_in_s = 0.5;
	view.slope = 10000;
	assert_int_equal(decide(&view).action, POLICY_REST);
	view.services[1].stock = 60000;
	assert_int_equal(decide(&view).action, POLICY_ENGAGE);
}

static void the_limit_is_raised_only_where_that_is_allowed(void **state)
{
	static const struct policy_settings raising = { 0.8, 0.5, 10, 1000000 };
	struct policy_view view = flooded();
	struct policy_decision decision;

	view.raisable = true;
	policy_decide(&SETTINGS, &view, &decision);
	assert_int_equal(decision.action, POLICY_ENGAGE);
	policy_decide(&raising, &view, &decision);
	assert_int_equal(decision.action, POLICY_RAISE);
	assert_non_null(strstr(decision.why, "may be 1000000: up to 330 MiB"));
	view.raisable = false;
	policy_decide(&raising, &view, &decision);
	assert_int_equal(decision.action, POLICY_ENGAGE);
	/* More than that could hold: who does it must go all the same, if there is anybody. */
	view.raisable = true;
	view.slope = 100000;
	policy_decide(&raising, &view, &decision);
	assert_int_equal(decision.action, POLICY_ENGAGE);
	view.services[0].unsafe = true;
	policy_decide(&raising, &view, &decision);
	assert_int_equal(decision.action, POLICY_RAISE);
	view.limit = 1000000;
	policy_decide(&raising, &view, &decision);
	assert_int_equal(decision.action, POLICY_HELPLESS);
}

static void the_limit_is_set_back_when_the_table_is_calm_under_that(void **state)
{
	struct policy_view view = quiet();
	struct policy_decision decision;

	view.raisable = true;
	view.limit = 1000000;
	view.limit_before = 100000;
	view.lower_after_s = 5;
	view.entries = 50001;
	decide(&view);
	view.now_ns += 100 * SECOND;
	assert_int_equal(decide(&view).action, POLICY_REST);
	view.entries = 50000;
	assert_int_equal(decide(&view).action, POLICY_REST);
	view.now_ns += 5 * SECOND - 1;
	assert_int_equal(decide(&view).action, POLICY_REST);
	/* It must have been so all the time, and not be on the way to the mark of that limit. */
	view.slope = 3001;
	assert_int_equal(decide(&view).action, POLICY_REST);
	view.slope = 0;
	view.now_ns += 1;
	assert_int_equal(decide(&view).action, POLICY_REST);
	view.now_ns += 5 * SECOND;
	decision = decide(&view);
	assert_int_equal(decision.action, POLICY_LOWER);
	assert_non_null(strstr(decision.why, "50000 of 1000000 entries are under 50 % of "
					     "100000"));
	/* Not one that somebody else has set. */
	view.limit_before = 0;
	assert_int_equal(decide(&view).action, POLICY_REST);
}

static void services_come_back_before_the_limit_does(void **state)
{
	struct policy_view view = quiet();

	view.raisable = true;
	view.limit = 1000000;
	view.limit_before = 100000;
	view.lower_after_s = 1;
	view.services[0].percent = 100;
	view.services[0].returning = 10;
	decide(&view);
	view.now_ns += 4 * SECOND;
	assert_int_equal(decide(&view).action, POLICY_REST);
	view.now_ns += 2 * SECOND;
	assert_int_equal(decide(&view).action, POLICY_RELEASE);
	view.services[0].percent = 0;
	assert_int_equal(decide(&view).action, POLICY_REST);
	view.now_ns += 2 * SECOND;
	assert_int_equal(decide(&view).action, POLICY_LOWER);
	/* One that somebody else keeps out may stay so for ever. */
	view.services[1].percent = 100;
	view.services[1].held = true;
	assert_int_equal(decide(&view).action, POLICY_LOWER);
}

static void the_gentlest_of_two_returns_first(void **state)
{
	struct policy_view view = quiet();

	for (size_t i = 0; i < 2; i++) {
		view.services[i].percent = POLICY_WHOLE;
		view.services[i].changed_ns = view.now_ns;
	}
	view.services[0].returning = 20000;
	view.services[1].returning = 3000;
	decide(&view);
	view.now_ns += 10 * SECOND;
	assert_int_equal(decide(&view).service, 1);
}

static void an_unknown_limit_decides_nothing(void **state)
{
	struct policy_view view = flooded();

	view.limit = 0;
	assert_int_equal(decide(&view).action, POLICY_REST);
}

static void looks_come_faster_as_the_mark_comes_nearer(void **state)
{
	struct policy_view view = quiet();
	double far, near;

	far = policy_poll_interval_s(&SETTINGS, &view);
	view.entries = 70000;
	near = policy_poll_interval_s(&SETTINGS, &view);
	assert_true(near < far);
	/* Even the fastest flood must be seen before it reaches the mark. */
	assert_true(far * 300000 < 80000 - 1000);
	view.entries = 80000;
	assert_float_equal(policy_poll_interval_s(&SETTINGS, &view), 0.005, 1e-9);
	/* As it climbs it is at the mark in 2 ms, in 0.1 ms, in a second. */
	view.entries = 79800;
	view.slope = 100000;
	assert_float_equal(policy_poll_interval_s(&SETTINGS, &view), 0.001, 1e-9);
	view.entries = 79990;
	assert_float_equal(policy_poll_interval_s(&SETTINGS, &view), 0.00025, 1e-9);
	view.slope = 10;
	assert_float_equal(policy_poll_interval_s(&SETTINGS, &view), 0.005, 1e-9);
	/* A flood shows between two looks at once. */
	view.entries = 79800;
	view.climb = 100000;
	assert_float_equal(policy_poll_interval_s(&SETTINGS, &view), 0.001, 1e-9);
	view.limit = 100000000;
	assert_float_equal(policy_poll_interval_s(&SETTINGS, &view), 1, 1e-9);
	view.full_in_s = 0.3;
	assert_float_equal(policy_poll_interval_s(&SETTINGS, &view), 0.1, 1e-9);
}

static double random_below(double most)
{
	return most * ((double)rand() / RAND_MAX);
}

static struct policy_view random_view(void)
{
	struct policy_view view = quiet();
	double left;

	view.entries = (uint32_t)random_below(110000);
	view.slope = random_below(60000) - 20000;
	view.full_in_s = view.slope > 0 ? fmax(0, (100000.0 - view.entries) / view.slope)
					: INFINITY;
	/* Of bursts the forecast knows more than the slope of this moment tells. */
	if (random_below(1) < 0.2)
		view.full_in_s = random_below(20);
	view.attributed = true;
	view.purged_ns = random_below(1) < 0.5 ? 0 : view.now_ns;
	view.grown_total = random_below(1) < 0.5 ? 0 : random_below(view.entries);
	left = view.entries;
	view.count = 1 + (size_t)random_below(5);
	for (size_t i = 0; i < view.count; i++) {
		struct policy_service *service = &view.services[i];

		service->name = "x";
		service->stock = random_below(1) < 0.2 ? 0 : random_below(left);
		left -= service->stock;
		service->grown = random_below(2 * service->stock) - service->stock;
		service->percent =
			random_below(1) < 0.3 ? 1 + (unsigned)random_below(100) : 0;
		service->unsafe = random_below(1) < 0.2;
		service->held = random_below(1) < 0.1;
		service->bounded = random_below(1) < 0.1;
		service->changed_ns = (uint64_t)random_below(1000) * SECOND;
		service->release_after_s = random_below(60);
		service->returning = random_below(60000);
	}
	return view;
}

static void check_decision(const struct policy_view *view,
			   const struct policy_decision *decision)
{
	const struct policy_service *service = &view->services[decision->service];

	switch (decision->action) {
	case POLICY_ENGAGE:
		assert_true(decision->service < view->count);
		assert_true(decision->percent > service->percent &&
			    decision->percent <= POLICY_WHOLE);
		assert_false(service->unsafe || service->held || service->bounded);
		assert_true(policy_triggered(&SETTINGS, view) && decision->why[0]);
		assert_true(service->stock > 0 || service->grown > 0);
		break;
	case POLICY_RELEASE:
		assert_true(decision->service < view->count);
		assert_true(decision->percent < service->percent && !service->held);
		assert_false(policy_triggered(&SETTINGS, view));
		assert_true(decision->projected <= 50000 && decision->why[0]);
		break;
	case POLICY_DELETE:
		assert_int_equal(service->percent, POLICY_WHOLE);
		assert_true(policy_triggered(&SETTINGS, view) && !service->held);
		break;
	case POLICY_HELPLESS:
		assert_true(policy_triggered(&SETTINGS, view) && decision->why[0]);
		break;
	default: break;
	}
}

static void random_views_never_break_the_rules(void **state)
{
	unsigned int seed = (unsigned int)time(NULL);

	print_message("seed %u\n", seed);
	srand(seed);
	for (int i = 0; i < 100000; i++) {
		struct policy_view view = random_view();
		struct policy_decision decision = decide(&view);

		check_decision(&view, &decision);
		view.now_ns += (uint64_t)random_below(100) * SECOND;
		decision = decide(&view);
		check_decision(&view, &decision);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_at_rest_is_left_alone),
		cmocka_unit_test(a_forecast_within_the_horizon_asks_who_it_is),
		cmocka_unit_test(
			a_surge_leaves_no_time_to_collect_or_to_see_how_much_is_enough),
		cmocka_unit_test(a_rise_of_few_is_no_surge),
		cmocka_unit_test(
			what_was_known_a_moment_ago_is_enough_to_take_who_grows_out),
		cmocka_unit_test(what_was_known_is_not_enough_without_who_grows),
		cmocka_unit_test(the_mark_triggers_without_a_forecast),
		cmocka_unit_test(the_guilty_service_is_engaged_and_the_reason_is_told),
		cmocka_unit_test(growth_counts_more_than_what_was_there_before),
		cmocka_unit_test(
			without_a_baseline_the_larger_stock_is_guilty_if_time_is_short),
		cmocka_unit_test(
			who_grew_since_long_ago_is_not_blamed_while_there_is_time_to_look),
		cmocka_unit_test(old_entries_are_no_flood),
		cmocka_unit_test(
			a_table_that_stands_at_the_mark_is_blamed_on_who_has_most),
		cmocka_unit_test(
			a_service_that_alone_would_calm_the_table_goes_for_a_stranger),
		cmocka_unit_test(marks_close_together_make_nobody_guilty),
		cmocka_unit_test(what_nobody_has_measured_does_not_return),
		cmocka_unit_test(
			a_bystander_is_never_taken_out_for_a_flood_that_is_not_its),
		cmocka_unit_test(an_engaged_service_is_not_engaged_again),
		cmocka_unit_test(
			entries_of_what_is_out_are_deleted_again_before_nothing_helps),
		cmocka_unit_test(
			what_remains_is_deleted_before_somebody_else_goes_for_it),
		cmocka_unit_test(
			what_remains_is_left_alone_where_it_is_little_or_others_keep_it),
		cmocka_unit_test(what_remains_most_is_deleted_first),
		cmocka_unit_test(
			a_service_returns_only_after_it_has_been_calm_long_enough),
		cmocka_unit_test(a_moment_of_load_starts_the_wait_anew),
		cmocka_unit_test(what_would_overfill_the_table_does_not_return),
		cmocka_unit_test(what_does_not_fit_at_once_returns_in_slices),
		cmocka_unit_test(what_hardly_fits_is_probed),
		cmocka_unit_test(
			a_slice_that_would_fill_the_table_within_the_horizon_stays),
		cmocka_unit_test(connections_that_would_die_stay_out),
		cmocka_unit_test(where_time_is_short_all_of_it_goes),
		cmocka_unit_test(a_slice_is_raised_before_another_service_goes),
		cmocka_unit_test(what_may_not_go_stays),
		cmocka_unit_test(expired_entries_are_collected_before_anybody_is_blamed),
		cmocka_unit_test(
			while_entries_are_deleted_nobody_else_is_asked_for_unless_it_fills),
		cmocka_unit_test(far_beyond_the_mark_somebody_goes_before_the_expired),
		cmocka_unit_test(far_beyond_the_mark_the_expired_go_where_nobody_can),
		cmocka_unit_test(entries_that_are_being_deleted_are_no_trouble),
		cmocka_unit_test(the_limit_is_raised_only_where_that_is_allowed),
		cmocka_unit_test(the_limit_is_set_back_when_the_table_is_calm_under_that),
		cmocka_unit_test(services_come_back_before_the_limit_does),
		cmocka_unit_test(the_gentlest_of_two_returns_first),
		cmocka_unit_test(an_unknown_limit_decides_nothing),
		cmocka_unit_test(looks_come_faster_as_the_mark_comes_nearer),
		cmocka_unit_test(random_views_never_break_the_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
