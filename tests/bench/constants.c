// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * constants [-v NAME] [-n SEEDS]: whether a constant load has a constant forecast. Tables of all sizes with
 * entries of all lifetimes, alone or beside programs that dump tables, which collects what has
 * expired. From when it has run for two lifetimes, half a minute at least: the most entries there were, the levels
 * that were told, least and most, the part of readings in which that was off by more than 15 % of
 * the median, and the readings whose words, level and slope contradict each other. -v: each second of one.
 */
#include <stdio.h>
#include <unistd.h>

#include "tests/bench/replay.h"

enum { LIMIT = 262144, SAMPLE = 2500, SEEDS_MAX = 100, READINGS = 150 };

struct constant {
	const char *name;
	double walk_every_s;
	struct sim_source source[2];
};

#define ALWAYS .end_s = 1e9

static const struct constant CONSTANTS[] = {
	{ "600/s of 5 s", 0, { { SIM_ONESHOT, ALWAYS, .to = 600, .timeout_s = 5 } } },
	{ "600/s of 5 s, dumps each 2 s",
	  2,
	  { { SIM_ONESHOT, ALWAYS, .to = 600, .timeout_s = 5 } } },
	{ "600/s of 5 s, dumps each 0.2 s",
	  0.2,
	  { { SIM_ONESHOT, ALWAYS, .to = 600, .timeout_s = 5 } } },
	{ "600/s of 2 s", 0, { { SIM_ONESHOT, ALWAYS, .to = 600, .timeout_s = 2 } } },
	{ "150/s of 5 s", 0, { { SIM_ONESHOT, ALWAYS, .to = 150, .timeout_s = 5 } } },
	{ "50/s of 30 s", 0, { { SIM_ONESHOT, ALWAYS, .to = 50 } } },
	{ "50/s of 30 s, dumps each 1 s", 1, { { SIM_ONESHOT, ALWAYS, .to = 50 } } },
	{ "5,000/s of 5 s", 0, { { SIM_ONESHOT, ALWAYS, .to = 5000, .timeout_s = 5 } } },
	{ "5,000/s of 5 s, dumps each 1 s",
	  1,
	  { { SIM_ONESHOT, ALWAYS, .to = 5000, .timeout_s = 5 } } },
	{ "300/s of 30 s", 0, { { SIM_ONESHOT, ALWAYS, .to = 300 } } },
	{ "300/s of 30 s, dumps each 10 s", 10, { { SIM_ONESHOT, ALWAYS, .to = 300 } } },
	{ "3,000/s of 30 s", 0, { { SIM_ONESHOT, ALWAYS, .to = 3000 } } },
	{ "3,000/s of 30 s, dumps each 5 s", 5, { { SIM_ONESHOT, ALWAYS, .to = 3000 } } },
	{ "3,000/s of 30 s, dumps each 2 s", 2, { { SIM_ONESHOT, ALWAYS, .to = 3000 } } },
	{ "3,000/s of 30 s, dumps each 0.5 s",
	  0.5,
	  { { SIM_ONESHOT, ALWAYS, .to = 3000 } } },
	{ "300/s of 30 s, dumps each 0.5 s",
	  0.5,
	  { { SIM_ONESHOT, ALWAYS, .to = 300 } } },
	{ "1,000/s of 120 s",
	  0,
	  { { SIM_ONESHOT, ALWAYS, .to = 1000, .timeout_s = 120 } } },
	{ "1,000/s of 120 s, dumps each 1 s",
	  1,
	  { { SIM_ONESHOT, ALWAYS, .to = 1000, .timeout_s = 120 } } },
	{ "400/s of 5 s and 20/s of 30 s",
	  0,
	  { { SIM_ONESHOT, ALWAYS, .to = 400, .timeout_s = 5 },
	    { SIM_ANSWERED, ALWAYS, .to = 20 } } },
	{ "TCP, 20/s for 5 s", 0, { { SIM_SHORT, ALWAYS, .to = 20, .stay_s = 5 } } },
	{ "nothing but 2,000 lasting", 0, { { SIM_LASTING, .to = 1000, .end_s = 2 } } },
};

enum { CONSTANTS_COUNT = sizeof(CONSTANTS) / sizeof(CONSTANTS[0]) };

/* What was told of one. */
struct told {
	size_t count, outlying, contradictions, verdicts;
	double level[SEEDS_MAX * READINGS];
	double most;
};

/* Whether words, level and slope are not of one mind. */
static bool contradicts(const struct outlook_result *result, double entries)
{
	switch (result->verdict) {
	case OUTLOOK_FILLS: return result->slope < 0;
	case OUTLOOK_SETTLES:
		return result->slope < 0 || result->settles_at < entries - 1;
	case OUTLOOK_DRAINS: return result->slope > 0 || result->settles_at > entries + 1;
	case OUTLOOK_STEADY: return result->slope != 0;
	default: return true;
	}
}

/* The longest that its entries live. */
static double life_s(const struct constant *constant)
{
	double life_s = 17.5;

	for (size_t i = 0; i < 2; i++) {
		const struct sim_source *source = &constant->source[i];

		if (source->kind == SIM_SHORT)
			life_s = fmax(life_s, 35);
		else if (source->to > 0 && source->kind != SIM_LASTING)
			life_s = fmax(life_s,
				      source->timeout_s > 0 ? source->timeout_s : 30);
	}
	return life_s;
}

static void note(struct told *told, const struct outlook_result *result, double entries)
{
	double level = isfinite(result->settles_at) ? result->settles_at : 1e9;

	told->level[told->count++] = level;
	told->contradictions += contradicts(result, entries);
	told->most = fmax(told->most, entries);
}

static void run(const struct constant *constant, uint64_t seed, bool verbose,
		struct told *told)
{
	static struct replay replay;
	double from_s = 2 * life_s(constant);
	enum outlook_verdict last = OUTLOOK_UNKNOWN;
	struct sim sim;

	memset(&replay, 0, sizeof(replay));
	replay.sample_max = SAMPLE;
	replay.sparing = true;
	sim_open(&sim, seed, LIMIT, 5 + (double)(seed * 7919 % 50));
	sim.restless = 0.05;
	sim.walk_every_s = constant->walk_every_s;
	memcpy(sim.source, constant->source, sizeof(constant->source));
	sim.sources = 2;
	while (sim.now_s < from_s + READINGS - 1) {
		struct outlook_result result;
		uint32_t count;

		sim_step(&sim);
		count = sim.count;
		if (!replay_step(&replay, &sim))
			continue;
		result = replay_ahead(&replay, &sim);
		if (verbose)
			printf("%6.1f n=%6u expired %5u (%5.0f, lag %.2f) %-7s at %7.0f "
			       "arrivals %6.0f slope %+6.0f%s\n",
			       sim.now_s, count, sim.expired_count,
			       replay.outlook.expired, replay.outlook.lag_s,
			       outlook_name(result.verdict), result.settles_at,
			       result.arrivals_per_s, result.slope,
			       replay.idle ? "" : " sampled");
		if (sim.now_s < from_s)
			continue;
		note(told, &result, sim.count);
		told->verdicts += last && result.verdict != last;
		last = result.verdict;
	}
	sim_close(&sim);
}

static int compare(const void *left, const void *right)
{
	const double *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

static void judge(const struct constant *constant, size_t seeds)
{
	static struct told told;
	double median;

	memset(&told, 0, sizeof(told));
	for (size_t seed = 0; seed < seeds; seed++)
		run(constant, seed + 1, false, &told);
	qsort(told.level, told.count, sizeof(told.level[0]), compare);
	median = told.level[told.count / 2];
	for (size_t i = 0; i < told.count; i++)
		told.outlying += fabs(told.level[i] - median) > 0.15 * median;
	printf("| %-32s | %6.0f | %6.0f | %6.0f .. %6.0f | %5.1f %% | %zu of %zu | %zu "
	       "|\n",
	       constant->name, told.most, median, told.level[0],
	       told.level[told.count - 1],
	       100 * (double)told.outlying / (double)told.count, told.contradictions,
	       told.count, told.verdicts);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static struct told told;
	const char *shown = NULL;
	size_t seeds = 5;
	int option;

	while ((option = getopt(argc, argv, "v:n:")) != -1) {
		switch (option) {
		case 'v': shown = optarg; break;
		case 'n': seeds = strtoul(optarg, NULL, 10); break;
		default: return 2;
		}
	}
	if (seeds < 1 || seeds > SEEDS_MAX)
		return 2;
	printf("| constant load | most entries | told: median | least .. most | off by "
	       "more "
	       "than 15 %% | contradictions | other words |\n"
	       "|---|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < CONSTANTS_COUNT; i++) {
		if (shown && strcmp(CONSTANTS[i].name, shown) == 0)
			run(&CONSTANTS[i], 1, true, &told);
		else if (!shown)
			judge(&CONSTANTS[i], seeds);
	}
	return 0;
}
