// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

#include "tests/bench/random_table.h"
#include "tests/bench/replay.h"

/* Smaller than the kernel's, so that hundreds of them take seconds. */
enum { LIMIT = 16384, SAMPLE = 1000, HISTORIES = 500 };

#define ALWAYS .end_s = 1e9

static const double HORIZON_S = 10; /* an alarm */
static const double WARNING_S = 5;  /* it comes at least so long before it is full */

/* How one history went. */
struct course {
	double seconds; /* readings, one a second */
	double alarms;  /* of them told that it would be full within the horizon */
	double warned_s; /* how long before it was full alarms began that did not end; 0: none */
	double full_at_s;
	double peak;
	struct outlook_result last;
};

static struct course play(struct sim *sim, double seconds)
{
	static struct replay replay;
	struct course course = { 0 };
	double since_s = INFINITY;

	memset(&replay, 0, sizeof(replay));
	replay.sample_max = SAMPLE;
	while (sim->now_s < seconds && isinf(sim->full_at_s)) {
		sim_step(sim);
		if (!replay_step(&replay, sim))
			continue;
		course.last = replay_ahead(&replay, sim);
		course.seconds++;
		if (course.last.full_s > HORIZON_S) {
			since_s = INFINITY;
			continue;
		}
		course.alarms++;
		since_s = fmin(since_s, sim->now_s);
	}
	course.full_at_s = sim->full_at_s;
	course.peak = sim->peak;
	if (isfinite(sim->full_at_s))
		course.warned_s = fmax(0, sim->full_at_s - since_s);
	return course;
}

static void add_source(struct sim *sim, struct sim_source source)
{
	sim->source[sim->sources++] = source;
}

static void a_flood_is_told_to_the_second(void **state)
{
	struct sim sim;
	struct course course;

	sim_open(&sim, 1, LIMIT, 30);
	add_source(&sim, (struct sim_source){ SIM_ONESHOT, ALWAYS, .to = 800 });
	course = play(&sim, 12);
	assert_int_equal(course.last.verdict, OUTLOOK_FILLS);
	assert_true(fabs(course.last.full_s - (LIMIT - 9600) / 800.0) < 0.5);
	assert_true(fabs(course.last.arrivals_per_s - 800) < 40);
	sim_close(&sim);
}

/* Its climb alone would fill the table in 15 s, but then the first have gone. */
static void a_flood_that_settles_is_told_from_one_that_fills(void **state)
{
	struct sim sim;
	struct course course;

	sim_open(&sim, 1, LIMIT, 40);
	add_source(&sim, (struct sim_source){ SIM_ONESHOT, ALWAYS, .to = 330 });
	course = play(&sim, 28);
	assert_int_equal(course.last.verdict, OUTLOOK_SETTLES);
	assert_true(course.last.settles_at > 330 * 30);
	assert_true(course.last.settles_at < LIMIT);
	assert_true(isinf(course.last.full_s));
	assert_true(course.alarms == 0);
	sim_close(&sim);
}

static void a_flood_that_ended_drains(void **state)
{
	struct sim sim;
	struct course course;

	sim_open(&sim, 1, LIMIT, 40);
	add_source(&sim, (struct sim_source){ SIM_ONESHOT, .end_s = 10, .to = 900 });
	add_source(&sim, (struct sim_source){ SIM_LASTING, .end_s = 10, .to = 100 });
	course = play(&sim, 14);
	assert_int_equal(course.last.verdict, OUTLOOK_DRAINS);
	assert_true(fabs(course.last.settles_at - 1000) < 300);
	sim_close(&sim);
}

static void one_sample_of_a_steady_table_says_so(void **state)
{
	static struct replay replay;
	struct outlook_result result;
	struct sim sim;

	sim_open(&sim, 1, LIMIT, 1);
	add_source(&sim, (struct sim_source){ SIM_ANSWERED, ALWAYS, .to = 200 });
	while (sim.now_s < 100)
		sim_step(&sim);
	memset(&replay, 0, sizeof(replay));
	replay.sample_max = SAMPLE;
	do {
		sim_step(&sim);
	} while (!replay_step(&replay, &sim));
	/* As ctwatch --once does it: a short look, and one sample. */
	result = replay_ahead(&replay, &sim);
	assert_false(replay.lifetimes.compared);
	assert_true(isinf(result.full_s));
	assert_true(result.settles_at < 0.75 * LIMIT);
	sim_close(&sim);
}

/* Where evicting makes room for several at a time, or the kernel's collector for some. */
static void a_table_that_lacks_next_to_nothing_is_full(void **state)
{
	static const uint32_t MISSING[] = { 0, 2, 1, 9, 0, 2 };
	struct forecast f = { 0 };
	struct outlook o = { 0 };

	for (uint64_t i = 0; i < 60; i++) {
		struct outlook_result result;

		forecast_add(&f, (1000 + i) * 100000000, LIMIT - MISSING[i % 6]);
		result = outlook_ahead(&o, &f, NULL, LIMIT, LIMIT);
		assert_int_equal(result.verdict, OUTLOOK_FULL);
		assert_true(result.full_s == 0);
	}
	forecast_add(&f, 1000000000000, LIMIT - 30);
	assert_int_not_equal(outlook_ahead(&o, &f, NULL, LIMIT, LIMIT).verdict,
			     OUTLOOK_FULL);
	/* In a small one 10 are much. */
	f = (struct forecast){ 0 };
	for (uint64_t i = 1; i < 60; i++)
		forecast_add(&f, i * 100000000, 90);
	assert_int_not_equal(outlook_ahead(&o, &f, NULL, 100, LIMIT).verdict,
			     OUTLOOK_FULL);
}

/* What a flood has left behind is counted, but expired: the first walk shows how much. */
static void what_has_expired_is_told_from_what_lives(void **state)
{
	static struct replay replay;
	struct outlook_result result;
	struct sim sim;

	sim_open(&sim, 1, LIMIT, 1000);
	add_source(&sim, (struct sim_source){ SIM_LASTING, .end_s = 1, .to = 3000 });
	add_source(&sim, (struct sim_source){ SIM_ONESHOT, .end_s = 1, .to = 10000,
					      .timeout_s = 1 });
	while (sim.now_s < 5)
		sim_step(&sim);
	memset(&replay, 0, sizeof(replay));
	replay.sample_max = SAMPLE;
	assert_true(sim.count > 12000);
	for (int readings = 0; readings < 10;) {
		sim_step(&sim);
		if (!replay_step(&replay, &sim))
			continue;
		readings++;
		result = replay_ahead(&replay, &sim);
		assert_true(fabs(result.expired - sim.expired_count) < 300);
	}
	sim_close(&sim);
}

/* What came in leaps before the walk, and not meanwhile, is not what the walk has taken. */
static void a_climb_that_came_late_has_not_expired(void **state)
{
	static struct lifetimes lifetimes = { .flows = 2401, .taken_ns = 1000000000 };
	struct outlook_walk walk = { .collected = 240, .counted = 4000, .left = 4100 };
	struct forecast f = { 0 };
	struct outlook o = { 0 };

	forecast_add(&f, 1000000000, 4000);
	outlook_note(&o, &f, &lifetimes, &walk, LIMIT);
	assert_true(o.expired == 0);
	o = (struct outlook){ 0 };
	walk.left = 2000;
	outlook_note(&o, &f, &lifetimes, &walk, LIMIT);
	assert_true(o.expired >= 0);
	o = (struct outlook){ 0 };
	walk = (struct outlook_walk){ .counted = 130000, .left = 113976 };
	outlook_note(&o, &f, &lifetimes, &walk, LIMIT);
	assert_true(fabs(o.expired - (113976 - 30000)) < 2000);
}

/* Streams that go on fill the table although each of their timeouts says half a minute. */
static void streams_that_go_on_do_not_settle(void **state)
{
	struct sim sim;
	struct course course;

	sim_open(&sim, 1, LIMIT, 30);
	add_source(&sim, (struct sim_source){ SIM_ONEWAY, ALWAYS, .to = 150 });
	course = play(&sim, 60);
	assert_int_equal(course.last.verdict, OUTLOOK_FILLS);
	assert_true(fabs(course.last.full_s - (LIMIT - 9000) / 150.0) < 10);
	sim_close(&sim);
}

static void the_limit_may_change_meanwhile(void **state)
{
	static struct replay replay;
	struct sim sim;

	memset(&replay, 0, sizeof(replay));
	replay.sample_max = SAMPLE;
	sim_open(&sim, 1, LIMIT, 30);
	add_source(&sim, (struct sim_source){ SIM_ONESHOT, ALWAYS, .to = 500 });
	while (sim.now_s < 20) {
		sim_step(&sim);
		replay_step(&replay, &sim);
	}
	assert_true(fabs(replay_ahead(&replay, &sim).full_s - 12.8) < 1.5);
	sim.limit = 12000;
	assert_true(fabs(replay_ahead(&replay, &sim).full_s - 4) < 0.5);
	sim.limit = 9000;
	assert_int_equal(replay_ahead(&replay, &sim).verdict, OUTLOOK_FULL);
	sim.limit = 0;
	assert_int_equal(replay_ahead(&replay, &sim).verdict, OUTLOOK_FULL);
	sim.limit = 1000000;
	assert_int_equal(replay_ahead(&replay, &sim).verdict, OUTLOOK_SETTLES);
	sim_close(&sim);
}

static void an_empty_table_is_steady(void **state)
{
	struct sim sim;
	struct course course;

	sim_open(&sim, 1, LIMIT, 30);
	course = play(&sim, 5);
	assert_int_equal(course.last.verdict, OUTLOOK_STEADY);
	assert_true(course.last.arrivals_per_s == 0);
	assert_true(course.last.settles_at == 0);
	sim_close(&sim);
}

/* After a restart of the forecast, as when entries were deleted, no nonsense comes of the rest. */
static void a_restart_does_no_harm(void **state)
{
	static struct replay replay;
	struct outlook_result result;
	struct sim sim;

	memset(&replay, 0, sizeof(replay));
	replay.sample_max = SAMPLE;
	sim_open(&sim, 1, LIMIT, 30);
	add_source(&sim, (struct sim_source){ SIM_ONESHOT, ALWAYS, .to = 300 });
	for (int t = 1; t <= 60; t++) {
		while (sim.now_s < t) {
			sim_step(&sim);
			replay_step(&replay, &sim);
		}
		if (t % 20 == 0)
			forecast_restart(&replay.forecast, replay_now_ns(&sim) + 1,
					 sim.count);
		result = replay_ahead(&replay, &sim);
		assert_true(result.full_s > HORIZON_S);
		assert_false(result.arrivals_per_s < 0);
		assert_false(result.settles_at < 0);
	}
	sim_close(&sim);
}

static void without_samples_the_history_alone_must_do(void **state)
{
	const struct outlook outlook = { 0 };
	struct forecast f = { 0 };
	struct outlook_result result = outlook_ahead(&outlook, &f, NULL, LIMIT, 0);

	assert_int_equal(result.verdict, OUTLOOK_UNKNOWN);
	for (uint64_t i = 1; i < 30; i++)
		forecast_add(&f, i * 100000000, (uint32_t)i * 200);
	result = outlook_ahead(&outlook, &f, NULL, LIMIT, 0);
	assert_int_equal(result.verdict, OUTLOOK_FILLS);
	assert_true(result.full_s == forecast_full_in(&f, LIMIT));
	assert_true(isnan(result.arrivals_per_s));
}

/*
 * Tables at random. Those that stay below 95 % of the limit may be told to be full within ten seconds
 * in 4 of 1000 readings; of those that overflow 4 of 5 must be warned of 5 s before.
 */
static void random_tables_are_foretold(void **state)
{
	uint64_t seed = (uint64_t)time(NULL);
	double seconds = 0, alarms = 0, full = 0, missed = 0;

	print_message("seed %llu\n", (unsigned long long)seed);
	for (uint64_t i = 0; i < HISTORIES; i++) {
		struct sim sim;
		struct course course;

		random_table(&sim, seed + i, LIMIT, RANDOM_RAMP | RANDOM_ENDS);
		course = play(&sim, 120);
		sim_close(&sim);
		if (isfinite(course.full_at_s)) {
			full++;
			missed += course.warned_s < WARNING_S;
			if (course.warned_s < WARNING_S)
				print_message("history %llu: full at %.1f, warned %.1f s "
					      "before\n",
					      (unsigned long long)i, course.full_at_s,
					      course.warned_s);
		} else if (course.peak < 0.95 * LIMIT) {
			seconds += course.seconds;
			alarms += course.alarms;
		}
	}
	print_message(
		"%.0f of %.0f overflows came without warning, %.0f of %.0f s were false "
		"alarms\n",
		missed, full, alarms, seconds);
	assert_true(full > HISTORIES / 50.0);
	assert_true(missed <= full / 5);
	assert_true(alarms <= 0.004 * seconds);
}

/* Whether words, level and slope are of one mind. */
static bool is_consistent(const struct outlook_result *result, double entries)
{
	switch (result->verdict) {
	case OUTLOOK_FILLS: return result->slope >= 0;
	case OUTLOOK_SETTLES:
		return result->slope >= 0 && result->settles_at >= entries - 1;
	case OUTLOOK_DRAINS: return result->slope <= 0;
	case OUTLOOK_STEADY: return result->slope == 0;
	default: return result->verdict == OUTLOOK_FULL;
	}
}

/* A constant load, that is 60 s old, for two minutes. */
static void assert_constant(struct sim_source source, double walk_every_s, double level)
{
	static struct replay replay;
	struct sim sim;
	int readings = 0, alike = 0;

	memset(&replay, 0, sizeof(replay));
	replay.sample_max = SAMPLE;
	replay.sparing = true;
	sim_open(&sim, 1, 262144, 20);
	sim.restless = 0.05;
	sim.walk_every_s = walk_every_s;
	add_source(&sim, source);
	while (sim.now_s < 180) {
		struct outlook_result result;

		sim_step(&sim);
		if (!replay_step(&replay, &sim) || sim.now_s < 60)
			continue;
		result = replay_ahead(&replay, &sim);
		readings++;
		assert_true(is_consistent(&result, sim.count));
		assert_true(isinf(result.full_s));
		alike += fabs(result.settles_at - level) < 0.15 * level;
	}
	sim_close(&sim);
	if (alike < 0.85 * readings)
		fail_msg("of %d readings only %d told about %.0f", readings, alike,
			 level);
}

static void a_constant_load_has_a_constant_forecast(void **state)
{
	struct sim_source source = { SIM_ONESHOT, ALWAYS, .to = 150, .timeout_s = 5 };

	/* Each walk of ctwatch collects all: three seconds' are the most that wait for it. */
	assert_constant(source, 0, 150 * 8);
	/* With more than a sample has, what it does not walk waits for the kernel. */
	source.to = 5000;
	assert_constant(source, 0, 56000);
	/* Others walk the table, too. */
	assert_constant(source, 0.2, 5000 * 5.3);
	source.to = 600;
	assert_constant(source, 0.2, 600 * 5.2);
	assert_constant(source, 2, 600 * 7);
	source = (struct sim_source){ SIM_ONESHOT, ALWAYS, .to = 50 };
	assert_constant(source, 0, 1850);
	assert_constant(source, 1, 1550);
}

/* The model expects expired entries to wait for longer than they do: the history knows better. */
static void what_was_replaced_and_climbed_no_higher_is_steady(void **state)
{
	static struct replay replay;
	struct sim sim;
	int readings = 0, steady = 0;

	memset(&replay, 0, sizeof(replay));
	replay.sample_max = SAMPLE;
	sim_open(&sim, 1, 262144, 20);
	sim.walk_every_s = 0.4;
	add_source(&sim, (struct sim_source){ SIM_ONESHOT, ALWAYS, .to = 2000,
					      .timeout_s = 5 });
	while (sim.now_s < 120) {
		struct outlook_result result;

		sim_step(&sim);
		if (!replay_step(&replay, &sim) || sim.now_s < 30)
			continue;
		result = replay_ahead(&replay, &sim);
		readings++;
		steady += result.verdict == OUTLOOK_STEADY;
		assert_true(fabs(result.settles_at - 5.2 * 2000) < 0.1 * 5.2 * 2000);
	}
	sim_close(&sim);
	if (steady < 0.95 * readings)
		fail_msg("only %d of %d readings say that it is steady", steady,
			 readings);
}

/* Of the lives that kernels give by default, from half a life after the table has settled; then the load ends. */
static void a_load_of_long_lives_is_steady_until_it_ends(void **state)
{
	static const struct {
		double rate, life_s, walk_every_s;
	} LOADS[] = { { 300, 30, 0.5 }, { 1000, 30, 2 }, { 200, 120, 1 } };
	static struct replay replay;

	for (size_t i = 0; i < sizeof(LOADS) / sizeof(LOADS[0]); i++) {
		double from_s = 1.75 * LOADS[i].life_s, end_s = from_s + 100;
		struct outlook_result result;
		struct sim sim;

		memset(&replay, 0, sizeof(replay));
		replay.sample_max = SAMPLE;
		replay.sparing = true;
		sim_open(&sim, i + 1, 262144, 20);
		sim.restless = 0.05;
		sim.walk_every_s = LOADS[i].walk_every_s;
		add_source(&sim, (struct sim_source){ SIM_ONESHOT, .end_s = end_s,
						      .to = LOADS[i].rate,
						      .timeout_s = LOADS[i].life_s });
		while (sim.now_s < end_s + 0.15 * LOADS[i].life_s) {
			sim_step(&sim);
			if (!replay_step(&replay, &sim) || sim.now_s < from_s)
				continue;
			result = replay_ahead(&replay, &sim);
			if (sim.now_s > end_s)
				continue;
			assert_int_equal(result.verdict, OUTLOOK_STEADY);
			assert_true(result.slope == 0);
			assert_true(fabs(result.settles_at - sim.count) <
				    0.15 * sim.count);
		}
		assert_int_equal(result.verdict, OUTLOOK_DRAINS);
		sim_close(&sim);
	}
}

/* Samples err; a climb of which the count of minutes shows nothing is not heard of, unless it would end soon. */
static void what_stands_does_not_fill_by_an_error_of_a_sample(void **state)
{
	static struct replay replay;
	struct outlook_result result;
	struct sim sim;

	memset(&replay, 0, sizeof(replay));
	replay.sample_max = SAMPLE;
	replay.sparing = true;
	sim_open(&sim, 1, 262144, 20);
	sim.walk_every_s = 1;
	add_source(&sim, (struct sim_source){ SIM_ONESHOT, ALWAYS, .to = 200,
					      .timeout_s = 120 });
	while (sim.now_s < 230) {
		sim_step(&sim);
		replay_step(&replay, &sim);
	}
	replay.outlook.arrivals *= 1.3;
	sim.limit = (uint32_t)(1.2 * sim.count);
	result = replay_ahead(&replay, &sim);
	assert_int_equal(result.verdict, OUTLOOK_STEADY);
	assert_true(isinf(result.full_s));
	sim.limit = (uint32_t)(1.05 * sim.count);
	assert_int_equal(replay_ahead(&replay, &sim).verdict, OUTLOOK_FILLS);
	sim_close(&sim);
}

/* The load ends, and so do the expectations. */
static void a_table_that_was_emptied_expects_nothing(void **state)
{
	static struct replay replay;
	struct sim sim;
	int readings = 0;

	memset(&replay, 0, sizeof(replay));
	replay.sample_max = SAMPLE;
	sim_open(&sim, 1, LIMIT, 30);
	sim.walk_every_s = 0.4;
	add_source(&sim, (struct sim_source){ SIM_ONESHOT, .end_s = 30, .to = 1000,
					      .timeout_s = 5 });
	while (sim.now_s < 60) {
		struct outlook_result result;

		sim_step(&sim);
		if (!replay_step(&replay, &sim) || sim.now_s < 30 || sim.count > 0)
			continue;
		result = replay_ahead(&replay, &sim);
		readings++;
		assert_int_equal(result.verdict, OUTLOOK_STEADY);
		assert_true(result.settles_at < 20);
	}
	assert_true(readings > 20);
	sim_close(&sim);
}

/* The kernel's counts, each tenth of a second, of 600 flows/s that live 5 s, with dumps by ctwatch and others. */
static void a_recorded_constant_load_is_steady_by_its_count_alone(void **state)
{
	static const uint32_t COUNTS[] = {
		3424, 3481, 3542, 3594, 3179, 3099, 3088, 3103, 3069, 3041, 3097, 3110,
		3102, 3155, 3173, 3199, 3134, 3115, 3116, 3161, 3221, 3274, 3322, 3381,
		2993, 3051, 3107, 3166, 3226, 3260, 3312, 3372, 3023, 3028, 3058, 3118,
		3068, 3017, 3077, 3137, 3173, 3231, 3291, 3345, 3390, 3450, 3510, 3349,
		3043, 3103, 3164, 3196, 3256, 3316, 3346, 3403, 3463, 3523, 3552, 3612,
		3673, 3704, 3761, 3817, 3576, 3368, 3253, 3143, 3058, 3038, 3018, 3063,
		3099, 3159, 3218, 3272, 3314, 3023, 3032, 3080, 3140, 3200, 3092, 3050,
		3072, 3091, 3088, 3089, 3117, 3128, 3171, 3228, 3288, 3345, 3388, 3447,
		3507, 3098, 3063, 3123, 3179, 3222, 3282, 3342, 3373, 3003, 3059, 3091,
		3012, 3045, 3105, 3142, 3199, 3259, 3319, 3354, 3414, 3474, 3519, 3562,
		3620, 3680, 3716, 3777, 3833, 3015, 3041, 3057, 3070, 3101, 3161, 3221,
		3267, 3320, 3380, 3440, 3476, 3441, 3005, 3017, 3060, 3120, 3021, 3077,
		3134, 3193, 3089, 3061, 3062, 3074, 3104, 3161, 3221, 3281, 3317, 3377,
		3436, 3474, 3022, 3081, 3141, 3171, 3231, 3292, 3336, 3389, 3449, 3508,
		3544, 3037, 3021, 3076, 3001, 3021, 3081, 3135, 3191, 3036, 3059, 3112,
		3172, 3231, 3032, 3086, 3146, 3206, 3243, 3299, 3359, 3401, 3459, 3518,
		3577, 3617, 3677, 3737, 2990, 3050, 3111, 3170, 3207, 3002, 3019, 3076,
		3135, 3195, 3255, 3291, 3017, 3053, 3113, 3163, 3223, 3282, 3304, 3357,
		3417, 3477, 3519, 3571, 3628, 3674, 3735, 3793, 3835, 3893, 3953, 3354,
		3063, 3124, 3183, 3005, 3041, 3101, 3161, 3221, 3281, 3103, 2996, 3007,
		3022, 3084, 3022, 3004, 3021, 3036, 3009, 3010, 3025, 3005, 3022, 3053,
		3003, 3037, 3006, 3025, 3008, 3015, 3034, 3089, 3022, 3016, 3003, 3031,
		3011, 3028, 3048, 3006, 3000, 2999, 3057, 3050, 3110, 3003, 3017, 3020,
		3054, 3039, 3088, 3156, 3016, 3052, 3030, 3041, 3053, 3002, 3029, 3089,
		3149, 3208, 3268, 3004, 3058, 3118, 3178, 3238, 3292, 3006, 3017, 3039
	};
	const struct outlook outlook = { 0 };
	struct forecast f = { 0 };

	for (size_t i = 0; i < sizeof(COUNTS) / sizeof(COUNTS[0]); i++) {
		struct outlook_result result;

		forecast_add(&f, (i + 1) * 100000000, COUNTS[i]);
		if (i < 100)
			continue;
		result = outlook_ahead(&outlook, &f, NULL, 262144, 262144);
		assert_true(is_consistent(&result, COUNTS[i]));
		assert_true(result.full_s > 60);
		assert_int_not_equal(result.verdict, OUTLOOK_DRAINS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_climb_that_came_late_has_not_expired),
		cmocka_unit_test(a_table_that_lacks_next_to_nothing_is_full),
		cmocka_unit_test(what_has_expired_is_told_from_what_lives),
		cmocka_unit_test(a_flood_is_told_to_the_second),
		cmocka_unit_test(a_flood_that_settles_is_told_from_one_that_fills),
		cmocka_unit_test(a_flood_that_ended_drains),
		cmocka_unit_test(one_sample_of_a_steady_table_says_so),
		cmocka_unit_test(streams_that_go_on_do_not_settle),
		cmocka_unit_test(the_limit_may_change_meanwhile),
		cmocka_unit_test(an_empty_table_is_steady),
		cmocka_unit_test(a_restart_does_no_harm),
		cmocka_unit_test(without_samples_the_history_alone_must_do),
		cmocka_unit_test(a_constant_load_has_a_constant_forecast),
		cmocka_unit_test(what_was_replaced_and_climbed_no_higher_is_steady),
		cmocka_unit_test(a_load_of_long_lives_is_steady_until_it_ends),
		cmocka_unit_test(what_stands_does_not_fill_by_an_error_of_a_sample),
		cmocka_unit_test(a_table_that_was_emptied_expects_nothing),
		cmocka_unit_test(a_recorded_constant_load_is_steady_by_its_count_alone),
		cmocka_unit_test(random_tables_are_foretold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
