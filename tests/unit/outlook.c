// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

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

/* A source at random: what it would settle at is up to about share of the limit. */
static struct sim_source random_source(struct sim *sim, double share)
{
	static const double LIFE_S[SIM_KINDS] = { 30, 30, 130, 600, 130, 600 };
	struct sim_source source = { .kind = (enum sim_kind)(sim_chance(sim) *
							     SIM_KINDS) };

	source.stay_s = 1 + 8 * sim_chance(sim);
	source.start_s = 20 * sim_chance(sim);
	source.end_s =
		sim_chance(sim) < 0.8 ? 1e9 : source.start_s + 60 * sim_chance(sim);
	source.to = share * LIMIT * sim_chance(sim) / LIFE_S[source.kind];
	if (sim_chance(sim) < 0.3) {
		source.ramp_s = 60 * sim_chance(sim);
		source.approaches = sim_chance(sim) < 0.5;
	}
	return source;
}

/*
 * Tables at random. Those that stay below 95 % of the limit may be told to be full within
 * ten seconds in 3 of 1000 seconds; of those that overflow 24 of 25 must be warned of 5 s before.
 */
static void random_tables_are_foretold(void **state)
{
	uint64_t seed = (uint64_t)time(NULL);
	double seconds = 0, alarms = 0, full = 0, missed = 0;

	print_message("seed %llu\n", (unsigned long long)seed);
	for (uint64_t i = 0; i < HISTORIES; i++) {
		struct sim sim;
		struct course course;
		double share;

		sim_open(&sim, seed + i, LIMIT, 0);
		sim.gc_at_s = 60 * sim_chance(&sim);
		sim.restless = 0.2 * sim_chance(&sim);
		share = 0.2 + 2 * sim_chance(&sim);
		for (int n = 1 + (int)(3 * sim_chance(&sim)); n > 0; n--)
			add_source(&sim, random_source(&sim, share));
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
	assert_true(missed <= 2 + full / 25);
	assert_true(alarms <= 0.003 * seconds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flood_is_told_to_the_second),
		cmocka_unit_test(a_flood_that_settles_is_told_from_one_that_fills),
		cmocka_unit_test(a_flood_that_ended_drains),
		cmocka_unit_test(one_sample_of_a_steady_table_says_so),
		cmocka_unit_test(streams_that_go_on_do_not_settle),
		cmocka_unit_test(the_limit_may_change_meanwhile),
		cmocka_unit_test(an_empty_table_is_steady),
		cmocka_unit_test(a_restart_does_no_harm),
		cmocka_unit_test(without_samples_the_history_alone_must_do),
		cmocka_unit_test(random_tables_are_foretold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
