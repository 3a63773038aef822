// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * histories [-c] [-o NAME] [-v NAME] [-n SEEDS]: how well the outlook of ctwatch foretells simulated tables of
 * 262,144 entries. For tables that overflow, the error of the time that was told 30, 10 and 5 s
 * before they did, that of 10 s also against when they would have, had all gone on as it went then; for
 * those that do not, the seconds in which it told that they would be full
 * within 10 s, 60 s, and any time. -c: by the count alone, as without CAP_NET_ADMIN and as the
 * guard does. -o: these histories only. -v: each second of one.
 */
#include <stdio.h>
#include <unistd.h>

#include "conntrack/bend.h"
#include "tests/bench/replay.h"

enum { LIMIT = 262144, SEEDS_MAX = 1000, SAMPLE = 2000 };

struct history {
	const char *name;
	double seconds;
	struct sim_source source[SIM_SOURCES];
};

#define ALWAYS .end_s = 1e9

static const struct history HISTORIES[] = {
	{ "constant one-shot 20 k/s", 40, { { SIM_ONESHOT, ALWAYS, .to = 20000 } } },
	{ "constant one-shot 9.5 k/s", 60, { { SIM_ONESHOT, ALWAYS, .to = 9500 } } },
	{ "constant TCP 3 k/s", 120, { { SIM_LASTING, ALWAYS, .to = 3000 } } },
	{ "step 1 k/s, then 12 k/s",
	  100,
	  { { SIM_ONESHOT, ALWAYS, .to = 1000 },
	    { SIM_ONESHOT, ALWAYS, .start_s = 45, .to = 12000 } } },
	{ "step over steady 150 k",
	  140,
	  { { SIM_ANSWERED, ALWAYS, .to = 5000 },
	    { SIM_ONESHOT, ALWAYS, .start_s = 100, .to = 5000 } } },
	{ "ramp to 20 k/s in 60 s",
	  90,
	  { { SIM_ONESHOT, ALWAYS, .to = 20000, .ramp_s = 60 } } },
	{ "ramp of TCP, 10 k/s in 60 s",
	  90,
	  { { SIM_LASTING, ALWAYS, .to = 10000, .ramp_s = 60 } } },
	{ "staircase to 20 k/s, steps of 2 s, 60 s",
	  90,
	  { { SIM_ONESHOT, ALWAYS, .to = 20000, .ramp_s = 60, .stair_s = 2 } } },
	{ "the same with gaps of 0.2 s",
	  90,
	  { { SIM_ONESHOT, ALWAYS, .to = 20000, .ramp_s = 60, .stair_s = 2, .on_s = 1.8,
	      .off_s = 0.2 } } },
	{ "staircase to 20 k/s, steps of 10 s, 60 s",
	  90,
	  { { SIM_ONESHOT, ALWAYS, .to = 20000, .ramp_s = 60, .stair_s = 10 } } },
	{ "two services, 6 k/s and TCP 1 k/s",
	  200,
	  { { SIM_ANSWERED, ALWAYS, .to = 5000 },
	    { SIM_LASTING, ALWAYS, .start_s = 60, .to = 1000 } } },
	{ "mixed UDP sessions and TCP",
	  200,
	  { { SIM_SESSION, ALWAYS, .to = 1200, .stay_s = 20 },
	    { SIM_SHORT, ALWAYS, .to = 1200, .stay_s = 5 } } },
	{ "bursts, 5 s of 20 k/s each 12 s",
	  120,
	  { { SIM_ONESHOT, ALWAYS, .start_s = 0.4, .to = 20000, .on_s = 5,
	      .off_s = 7 } } },
	{ "one-way streams 2 k/s", 200, { { SIM_ONEWAY, ALWAYS, .to = 2000 } } },
	/* These settle below the limit. */
	{ "settles: one-shot 5 k/s", 200, { { SIM_ONESHOT, ALWAYS, .to = 5000 } } },
	{ "settles: sawtooth 300/s", 300, { { SIM_ONESHOT, ALWAYS, .to = 300 } } },
	{ "settles: sawtooth 3 k/s", 300, { { SIM_ONESHOT, ALWAYS, .to = 3000 } } },
	{ "settles: ramp to 5 k/s in 40 s",
	  200,
	  { { SIM_ONESHOT, ALWAYS, .to = 5000, .ramp_s = 40 } } },
	{ "settles: staircase to 5 k/s, 2 s, 40 s",
	  200,
	  { { SIM_ONESHOT, ALWAYS, .to = 5000, .ramp_s = 40, .stair_s = 2 } } },
	{ "settles: staircase to 5 k/s, 10 s, 40 s",
	  200,
	  { { SIM_ONESHOT, ALWAYS, .to = 5000, .ramp_s = 40, .stair_s = 10 } } },
	{ "settles: rates like 1-exp(-t/5s)",
	  200,
	  { { SIM_ONESHOT, ALWAYS, .to = 5000, .ramp_s = 5, .approaches = true } } },
	{ "settles: UDP sessions 1.3 k/s",
	  400,
	  { { SIM_SESSION, ALWAYS, .to = 1300, .stay_s = 5 } } },
	{ "settles: TCP connections 1 k/s",
	  400,
	  { { SIM_SHORT, ALWAYS, .to = 1000, .stay_s = 3 } } },
	{ "settles: UDP and TCP",
	  400,
	  { { SIM_ANSWERED, ALWAYS, .to = 2500 },
	    { SIM_SHORT, ALWAYS, .start_s = 50, .to = 600, .stay_s = 5 } } },
	{ "settles: bursts, 5 s of 10 k/s each 20 s",
	  200,
	  { { SIM_ONESHOT, ALWAYS, .to = 10000, .on_s = 5, .off_s = 15 } } },
	{ "settles: flood of 8 s at 15 k/s",
	  120,
	  { { SIM_ONESHOT, .end_s = 28, .start_s = 20, .to = 15000 },
	    { SIM_ANSWERED, ALWAYS, .to = 1000 } } },
};

enum { HISTORIES_COUNT = sizeof(HISTORIES) / sizeof(HISTORIES[0]), TOLD_MAX = 500 };

/* What was told, second by second. */
struct told {
	size_t count;
	double at_s[TOLD_MAX], full_s[TOLD_MAX];
	double full_at_s, peak;
};

/* How a history is gone through. */
struct passage {
	const struct history *history;
	uint64_t seed;
	bool by_count, verbose;
	double freeze_s; /* from then on all goes on as it goes then; INFINITY: never */
};

/* How long it is waited for a table that goes on as it went. */
static const double FROZEN_S = 240;

static bool is_over(const struct passage *passage, const struct sim *sim)
{
	double end_s = isfinite(passage->freeze_s) ? passage->freeze_s + FROZEN_S
						   : passage->history->seconds;

	return sim->now_s >= end_s || isfinite(sim->full_at_s);
}

static void watch_history(const struct passage *passage, struct told *told)
{
	static const char *const WORDS[] = { "?",       "full",   "fills",
					     "settles", "drains", "steady" };
	static struct replay replay;
	struct sim sim;

	memset(&replay, 0, sizeof(replay));
	replay.sample_max = passage->by_count ? 0 : SAMPLE;
	sim_open(&sim, passage->seed, LIMIT, 5 + (double)(passage->seed * 7919 % 50));
	sim.restless = 0.15;
	memcpy(sim.source, passage->history->source, sizeof(sim.source));
	sim.sources = SIM_SOURCES;
	told->count = 0;
	while (!is_over(passage, &sim)) {
		struct outlook_result result;

		sim_step(&sim);
		if (sim.now_s >= passage->freeze_s)
			sim_freeze(&sim);
		if (!replay_step(&replay, &sim) || told->count == TOLD_MAX)
			continue;
		result = replay_ahead(&replay, &sim);
		told->at_s[told->count] = sim.now_s;
		told->full_s[told->count++] = result.full_s;
		if (passage->verbose)
			printf("%5.1f n=%6u expired=%6u (%6.0f) %-7s full %6.1f at %7.0f "
			       "arrivals %6.0f slope %+7.0f bend %5.0f gc in %.1f, by "
			       "rule %.1f\n",
			       sim.now_s, sim.count, sim.expired_count,
			       replay.outlook.expired, WORDS[result.verdict],
			       result.full_s, result.settles_at, result.arrivals_per_s,
			       result.slope, bend_of(&replay.forecast).now,
			       sim.gc_at_s - sim.now_s,
			       (double)replay.outlook.collected_ns / 1e9 - 1000 +
				       replay.outlook.gc_every_s - sim.now_s);
	}
	told->full_at_s = sim.full_at_s;
	told->peak = sim.peak;
	sim_close(&sim);
}

/* What was told last at least before_s before it was full; told->count: nothing was. */
static size_t told_before(const struct told *told, double before_s)
{
	for (size_t i = told->count; i-- > 0;) {
		if (told->full_at_s - told->at_s[i] >= before_s)
			return told->full_at_s - told->at_s[i] < before_s + 1.01
				       ? i
				       : told->count;
	}
	return told->count;
}

/* In percent. What is never, and was told to be never, is right. */
static double error_of(double told_s, double truth_s)
{
	if (isinf(truth_s))
		return isinf(told_s) ? 0 : INFINITY;
	return 100 * (told_s - truth_s) / truth_s;
}

/* The error of what was told about before_s before it was full; NAN: nothing was. */
static double error_at(const struct told *told, double before_s)
{
	size_t i = told_before(told, before_s);

	return i == told->count
		       ? NAN
		       : error_of(told->full_s[i], told->full_at_s - told->at_s[i]);
}

/* The same against when it would have been full, had all gone on as it went then. */
static double error_frozen(struct passage passage, const struct told *told,
			   double before_s)
{
	static struct told frozen;
	size_t i = told_before(told, before_s);

	if (i == told->count)
		return NAN;
	passage.freeze_s = told->at_s[i];
	watch_history(&passage, &frozen);
	return error_of(told->full_s[i], frozen.full_at_s - told->at_s[i]);
}

static int compare(const void *left, const void *right)
{
	const double *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

static void print_errors(const double *errors, size_t count)
{
	double sorted[SEEDS_MAX] = { 0 };
	size_t known = 0;

	for (size_t i = 0; i < count; i++) {
		if (!isnan(errors[i]))
			sorted[known++] = fabs(errors[i]);
	}
	qsort(sorted, known, sizeof(sorted[0]), compare);
	if (known)
		printf(" %5.1f %5.1f |", sorted[known / 2], sorted[known - 1]);
	else
		printf("     -     - |");
}

static void judge(const struct history *history, size_t seeds, bool by_count)
{
	static const double BEFORE_S[] = { 30, 10, 5 };
	static double errors[4][SEEDS_MAX];
	static struct told told;
	size_t full = 0, seconds = 0, alarms = 0, soon = 0, any = 0;
	double peak = 0;

	for (size_t seed = 0; seed < seeds; seed++) {
		struct passage passage = { history, seed + 1, by_count, false, INFINITY };

		watch_history(&passage, &told);
		peak = fmax(peak, told.peak);
		if (isfinite(told.full_at_s)) {
			for (size_t i = 0; i < 3; i++)
				errors[i][full] = error_at(&told, BEFORE_S[i]);
			errors[3][full] = error_frozen(passage, &told, BEFORE_S[1]);
			full++;
			continue;
		}
		seconds += told.count;
		for (size_t i = 0; i < told.count; i++) {
			alarms += told.full_s[i] <= 10;
			soon += told.full_s[i] <= 60;
			any += isfinite(told.full_s[i]);
		}
	}
	printf("| %-42s | %3.0f %% | %2zu of %2zu |", history->name, 100 * peak / LIMIT,
	       full, seeds);
	for (size_t i = 0; i < 4; i++)
		print_errors(errors[i], full);
	printf(" %zu, %zu, %zu of %zu |\n", alarms, soon, any, seconds);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	const char *only = "", *shown = NULL;
	size_t seeds = 5;
	bool by_count = false;
	struct told told;
	int option;

	while ((option = getopt(argc, argv, "co:v:n:")) != -1) {
		switch (option) {
		case 'c': by_count = true; break;
		case 'o': only = optarg; break;
		case 'v': shown = optarg; break;
		case 'n': seeds = strtoul(optarg, NULL, 10); break;
		default: return 2;
		}
	}
	if (seeds < 1 || seeds > SEEDS_MAX)
		return 2;
	printf("| history | peak | full | error %% 30 s before: median, most | 10 s | 5 "
	       "s "
	       "| 10 s, had it gone on as then | false seconds: within 10 s, 60 s, any "
	       "|\n|---|---|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < HISTORIES_COUNT; i++) {
		const struct passage passage = { &HISTORIES[i], seeds, by_count, true,
						 INFINITY };

		if (shown && strstr(HISTORIES[i].name, shown))
			watch_history(&passage, &told);
		else if (!shown && strstr(HISTORIES[i].name, only))
			judge(&HISTORIES[i], seeds, by_count);
	}
	return 0;
}
