// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "conntrack/forecast.h"

enum { LIMIT = 262144 };
static const double HORIZON_S = 10; /* at which the guard would act */

/* A history that is being replayed. */
struct replay {
	struct forecast forecast;
	double now_s;
	double soonest_s; /* the smallest prediction since it was last reset */
	unsigned int seed;
};

static void start(struct replay *replay)
{
	*replay = (struct replay){ .now_s = 1000, .soonest_s = INFINITY };
	replay->seed = (unsigned int)time(NULL);
	print_message("seed %u\n", replay->seed);
}

static double chance(struct replay *replay)
{
	return rand_r(&replay->seed) / (RAND_MAX + 1.0);
}

static void sample(struct replay *replay, double after_s, double entries)
{
	double full_s;

	replay->now_s += after_s;
	assert_int_equal(forecast_add(&replay->forecast, (uint64_t)(replay->now_s * 1e9),
				      entries > 0 ? (uint32_t)entries : 0),
			 0);
	full_s = forecast_full_in(&replay->forecast, LIMIT);
	assert_true(full_s >= 0);
	if (full_s < replay->soonest_s)
		replay->soonest_s = full_s;
}

/* A constant level, read every every_s, for seconds. */
static void rest(struct replay *replay, double seconds, double every_s, double entries)
{
	for (double t = 0; t < seconds; t += every_s)
		sample(replay, every_s, entries);
}

static double full_in(const struct replay *replay)
{
	return forecast_full_in(&replay->forecast, LIMIT);
}

static void assert_near(double value, double expected, double ratio)
{
	if (fabs(value - expected) > ratio * expected)
		print_message("%g, expected %g\n", value, expected);
	assert_true(fabs(value - expected) <= ratio * expected);
}

static void without_samples_nothing_is_predicted(void **state)
{
	struct forecast f = { 0 };

	assert_true(isinf(forecast_full_in(&f, LIMIT)));
	assert_int_equal(forecast_add(&f, 1000000000, 500), 0);
	assert_true(isinf(forecast_full_in(&f, LIMIT)));
	assert_true(forecast_full_in(&f, 500) == 0);
	assert_true(forecast_full_in(&f, 0) == 0);
}

static void time_that_does_not_advance_changes_nothing(void **state)
{
	struct replay r;
	double before;
	uint64_t last;

	start(&r);
	for (int i = 0; i < 200; i++)
		sample(&r, 0.01, i * 400.0);
	before = full_in(&r);
	last = r.forecast.last_ns;
	assert_int_equal(forecast_add(&r.forecast, last, 5), -EINVAL);
	assert_int_equal(forecast_add(&r.forecast, last - 77, 5), -EINVAL);
	assert_true(full_in(&r) == before);
	assert_true(r.forecast.last_ns == last);
}

static void a_constant_flood_is_predicted_within_5_percent(void **state)
{
	static const double RATES[] = { 2000, 8738, 40000, 150000 };

	for (size_t i = 0; i < sizeof(RATES) / sizeof(RATES[0]); i++) {
		struct replay r;

		start(&r);
		for (double t = 0; t < 1.5; t += 0.01)
			sample(&r, 0.01, RATES[i] * t);
		assert_near(full_in(&r), (LIMIT - r.forecast.level) / RATES[i], 0.05);
	}
}

static void a_step_to_40000_a_second_is_seen_in_150_ms(void **state)
{
	static const double EVERY[] = { 0.005, 0.01, 0.02, 0.05 };

	for (size_t i = 0; i < sizeof(EVERY) / sizeof(EVERY[0]); i++) {
		struct replay r;
		double t = 0;

		start(&r);
		rest(&r, 5, EVERY[i], 3000);
		assert_true(isinf(r.soonest_s));
		while (t < 0.15 - EVERY[i] / 2) {
			t += EVERY[i];
			sample(&r, EVERY[i], 3000 + 40000 * t);
		}
		assert_near(full_in(&r), (LIMIT - r.forecast.level) / 40000, 0.2);
	}
}

static void a_flood_after_slow_polls_is_seen_as_soon(void **state)
{
	struct replay r;

	start(&r);
	rest(&r, 10, 1, 100);
	/* It began somewhere within the last second; from then on the polls are fast. */
	sample(&r, 1, 100 + 12000);
	for (double t = 0.005; t <= 0.16; t += 0.005)
		sample(&r, 0.005, 12100 + 40000 * t);
	assert_near(full_in(&r), (LIMIT - r.forecast.level) / 40000, 0.2);
}

static void the_end_of_a_flood_is_seen_in_150_ms(void **state)
{
	struct replay r;

	start(&r);
	for (double t = 0; t < 2; t += 0.01)
		sample(&r, 0.01, 40000 * t);
	rest(&r, 0.16, 0.01, 80000);
	assert_true(full_in(&r) > HORIZON_S);
}

static void one_burst_is_no_flood(void **state)
{
	struct replay r;

	start(&r);
	rest(&r, 3, 0.005, 200);
	sample(&r, 0.005, 4000);
	sample(&r, 0.005, 8200);
	rest(&r, 3, 0.005, 8200);
	assert_true(r.soonest_s > HORIZON_S);
}

static void slow_polls_see_the_end_of_a_flood_with_the_third(void **state)
{
	struct replay r;

	start(&r);
	for (double t = 0; t < 1.2; t += 0.1)
		sample(&r, 0.1, 170000 * t);
	sample(&r, 0.1, 200000);
	sample(&r, 0.1, 200000);
	sample(&r, 0.1, 200000);
	assert_true(forecast_slope(&r.forecast) == 0);
}

/* Clients that send together, ten times a second. */
static void bursts_that_go_on_are_a_flood(void **state)
{
	struct replay r;
	double level = 0, latest_s = 0;

	start(&r);
	for (int n = 0; n < 400; n++) {
		level += n % 10 == 3 ? 4000 : 0;
		sample(&r, 0.01, level);
		if (n > 110 && full_in(&r) > latest_s)
			latest_s = full_in(&r);
	}
	assert_true(latest_s < HORIZON_S);
	assert_near(full_in(&r), (LIMIT - r.forecast.level) / 40000, 0.3);
}

/* What each poll counts is from nothing to three times the mean. */
/* Of each reading that cannot be asked: what doubles for a tenth of a second is followed, also if it was chance. */
static void a_restless_flood_is_predicted_within_a_third(void **state)
{
	struct replay r;
	double level = 0;
	int off = 0;

	start(&r);
	for (int n = 0; n < 500; n++) {
		level += 400 * 2 * chance(&r) * (chance(&r) < 0.5 ? 0.5 : 1.5);
		sample(&r, 0.01, level);
		off += n > 120 &&
		       fabs(forecast_slope(&r.forecast) - 40000) > 0.34 * 40000;
	}
	/* 32 of 379 at the most in 20,000 such floods, none in 97 of 100. */
	assert_in_range(off, 0, 75);
}

static void idle_noise_never_cries_wolf(void **state)
{
	static const double EVERY[] = { 0.005, 0.1, 1 };

	for (size_t i = 0; i < sizeof(EVERY) / sizeof(EVERY[0]); i++) {
		struct replay r;

		start(&r);
		for (int n = 0; n < 20000; n++)
			sample(&r, EVERY[i], 60 + 40 * chance(&r));
		assert_true(isinf(r.soonest_s));
	}
}

/* Flows come and go at random around a level: the count walks, with no trend. */
static void a_busy_steady_table_raises_no_alarm(void **state)
{
	struct replay r;
	double level = 150000;

	start(&r);
	for (int n = 0; n < 20000; n++) {
		level += (chance(&r) - 0.5) * 100 + (150000 - level) * 0.001;
		sample(&r, 0.02, level);
	}
	assert_true(r.soonest_s > HORIZON_S);
}

/* kernel-facts: 300 flows/s, 5 s timeout: climbs to some 9000, falls to 1500 at each collection. */
static void the_sawtooth_of_garbage_collection_is_no_trend(void **state)
{
	struct replay r;

	start(&r);
	for (double t = 0; t < 120; t += 0.05) {
		sample(&r, 0.05, 1500 + 300 * fmod(t, 3));
		if (t > 25)
			assert_true(full_in(&r) > 1000);
	}
}

static void a_collection_does_not_hide_a_flood(void **state)
{
	struct replay r;
	double level = 100000;
	double latest_s = 0;

	start(&r);
	for (double t = 0; t < 3; t += 0.01) {
		level += 400;
		if (t > 1.5 && t < 1.51)
			level -= 30000;
		sample(&r, 0.01, level);
		if (t > 0.3 && full_in(&r) > latest_s)
			latest_s = full_in(&r);
	}
	assert_true(latest_s < HORIZON_S);
}

static void a_ramp_that_settles_is_told_from_one_that_does_not(void **state)
{
	struct replay r;
	double entries = 0;

	start(&r);
	for (double t = 0; t < 60; t += 0.05) {
		sample(&r, 0.05, 150000 * (1 - exp(-t / 15)));
		if (t > 25 && t < 40) {
			assert_true(forecast_settles_at(&r.forecast, &entries));
			assert_near(entries, 150000, 0.1);
			assert_true(isinf(full_in(&r)));
		}
	}
	assert_true(r.soonest_s > HORIZON_S);
	rest(&r, 25, 0.05, 150000);
	assert_true(forecast_settles_at(&r.forecast, &entries));
	assert_near(entries, 150000, 0.001);
}

static void intervals_may_be_irregular(void **state)
{
	struct replay r;
	double level = 0;

	start(&r);
	for (int n = 0; n < 400; n++) {
		double after = 0.001 + 0.06 * chance(&r);

		level += 20000 * after;
		sample(&r, after, level);
		if (r.now_s > 1000.5 && level < LIMIT - 20000)
			assert_near(full_in(&r), (LIMIT - r.forecast.level) / 20000, 0.1);
	}
}

static void polls_a_second_apart_predict_too(void **state)
{
	struct replay r;

	start(&r);
	for (int n = 0; n < 60; n++)
		sample(&r, 1, 1000.0 * n);
	assert_near(full_in(&r), (LIMIT - r.forecast.level) / 1000, 0.05);
}

/* What a table gained in each tenth of a second, as it was recorded. */
static void replay_gains(struct replay *r, const int *gains, size_t count)
{
	for (size_t i = 0; i < count; i++)
		sample(r, 0.1, r->forecast.level + gains[i]);
}

/* The collector had not ended when the count began to rise again. */
static void the_end_of_a_collection_is_no_slower_climb(void **state)
{
	static const int GAINS[] = { 1354, 1322, 1125, 1358, 1236,  1462, 1285,
				     1268, 1180, 1280, 1027, 1276,  1354, 1027,
				     1276, 1243, 1114, 1113, 1181,  1134, 1152,
				     1246, 1308, 1067, 1066, 1336,  1266, 1138,
				     1287, 1071, 1146, -744, -5230, 512,  1203 };
	struct replay r;
	double climb = 0;

	start(&r);
	sample(&r, 0.1, 30000);
	replay_gains(&r, GAINS, sizeof(GAINS) / sizeof(GAINS[0]));
	assert_true(forecast_climb(&r.forecast, &climb));
	assert_near(climb, 12300, 0.1);
}

/* Of a sender that begins anew each 2 s: it does not end with each. */
static void a_gap_of_a_fifth_of_a_second_does_not_end_a_climb(void **state)
{
	struct replay r;
	double climb = 0;

	start(&r);
	sample(&r, 0.1, 0);
	for (int i = 1; i <= 100; i++) {
		bool gap = i % 20 == 0 || i % 20 == 19;

		sample(&r, 0.1, r.forecast.level + (gap ? 0 : 1200 + i % 7 * 20));
		if (i < 20)
			continue;
		assert_true(forecast_climb(&r.forecast, &climb));
		assert_near(climb, 12000, 0.3);
	}
	/* That one does. */
	rest(&r, 1.2, 0.1, r.forecast.level);
	assert_true(forecast_climb(&r.forecast, &climb));
	assert_true(climb == 0);
}

/* 600 come a second, and each second a dump takes as many that have expired. */
static void play_walks(struct replay *r, bool told)
{
	double level = 3000;

	start(r);
	for (int n = 1; n < 300; n++) {
		level += 60;
		sample(r, 0.1, level);
		if (n % 10)
			continue;
		level -= 540;
		r->now_s += 0.01;
		if (told)
			assert_near(forecast_note_walk(&r->forecast,
						       (uint64_t)(r->now_s * 1e9),
						       (uint32_t)level),
				    546, 0.1);
	}
}

static void what_a_walk_collects_is_no_fall(void **state)
{
	struct replay r;
	double climb = 0;

	play_walks(&r, false);
	assert_true(forecast_fallen(&r.forecast) > 10000);
	play_walks(&r, true);
	assert_true(forecast_fallen(&r.forecast) == 0);
	assert_true(isinf(forecast_fell_s(&r.forecast)));
	assert_true(forecast_climb(&r.forecast, &climb));
	assert_near(climb, 600, 0.1);
	assert_near(forecast_slope(&r.forecast), 600, 0.1);
}

static void a_walk_that_collects_nothing_changes_nothing(void **state)
{
	struct replay r;
	struct forecast before = { 0 };

	assert_true(forecast_note_walk(&before, 5, 100) == 0);
	assert_true(before.last_ns == 0);
	start(&r);
	rest(&r, 2, 0.1, 3000);
	before = r.forecast;
	/* Some came meanwhile; or few went; or the clock goes back. */
	assert_true(forecast_note_walk(&r.forecast, before.last_ns + 1, 3100) == 0);
	assert_true(forecast_note_walk(&r.forecast, before.last_ns + 1, 2990) == 0);
	assert_true(forecast_note_walk(&r.forecast, before.last_ns, 0) == 0);
	assert_true(r.forecast.level == before.level);
	assert_true(r.forecast.step_level == before.step_level);
	assert_true(forecast_note_walk(&r.forecast, before.last_ns + 1, 0) == 3000);
	assert_true(r.forecast.level == 0);
}

static void a_restart_forgets(void **state)
{
	struct replay r;

	start(&r);
	for (double t = 0; t < 3; t += 0.01)
		sample(&r, 0.01, 40000 * t);
	assert_true(full_in(&r) < HORIZON_S);
	r.now_s += 0.01;
	forecast_restart(&r.forecast, (uint64_t)(r.now_s * 1e9), 100);
	assert_true(isinf(full_in(&r)));
	rest(&r, 1, 0.01, 100);
	assert_true(isinf(full_in(&r)));
}

static void a_gap_of_hours_does_no_harm(void **state)
{
	struct replay r;

	start(&r);
	for (double t = 0; t < 1; t += 0.01)
		sample(&r, 0.01, 4000 * t);
	sample(&r, 36000, 0);
	assert_true(isinf(full_in(&r)));
	for (double t = 0; t < 1; t += 0.01)
		sample(&r, 0.01, 40000 * t);
	assert_near(full_in(&r), (LIMIT - r.forecast.level) / 40000, 0.1);
}

/* 50/s are no more than chance may bring in half a second. */
static void what_an_emptied_table_gained_before_is_forgotten(void **state)
{
	struct forecast f = { 0 };
	double climb = 77;

	for (uint64_t n = 1; n <= 50; n++)
		assert_int_equal(forecast_add(&f, n * 100000000, (uint32_t)n * 5), 0);
	for (uint64_t n = 51; n <= 70; n++)
		assert_int_equal(forecast_add(&f, n * 100000000, 0), 0);
	assert_true(forecast_climb(&f, &climb));
	assert_true(climb == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_an_emptied_table_gained_before_is_forgotten),
		cmocka_unit_test(without_samples_nothing_is_predicted),
		cmocka_unit_test(time_that_does_not_advance_changes_nothing),
		cmocka_unit_test(a_constant_flood_is_predicted_within_5_percent),
		cmocka_unit_test(a_step_to_40000_a_second_is_seen_in_150_ms),
		cmocka_unit_test(a_flood_after_slow_polls_is_seen_as_soon),
		cmocka_unit_test(the_end_of_a_flood_is_seen_in_150_ms),
		cmocka_unit_test(slow_polls_see_the_end_of_a_flood_with_the_third),
		cmocka_unit_test(one_burst_is_no_flood),
		cmocka_unit_test(bursts_that_go_on_are_a_flood),
		cmocka_unit_test(a_restless_flood_is_predicted_within_a_third),
		cmocka_unit_test(idle_noise_never_cries_wolf),
		cmocka_unit_test(a_busy_steady_table_raises_no_alarm),
		cmocka_unit_test(the_sawtooth_of_garbage_collection_is_no_trend),
		cmocka_unit_test(a_collection_does_not_hide_a_flood),
		cmocka_unit_test(a_ramp_that_settles_is_told_from_one_that_does_not),
		cmocka_unit_test(intervals_may_be_irregular),
		cmocka_unit_test(polls_a_second_apart_predict_too),
		cmocka_unit_test(the_end_of_a_collection_is_no_slower_climb),
		cmocka_unit_test(a_gap_of_a_fifth_of_a_second_does_not_end_a_climb),
		cmocka_unit_test(what_a_walk_collects_is_no_fall),
		cmocka_unit_test(a_walk_that_collects_nothing_changes_nothing),
		cmocka_unit_test(a_restart_forgets),
		cmocka_unit_test(a_gap_of_hours_does_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
