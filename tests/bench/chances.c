// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * chances [-c] [-n TABLES] [-s SEED] [-v]: how often the outlook of ctwatch is late, and how often it cries wolf.
 * Tables at random, of two minutes each: up to three sources of UDP and TCP with lifetimes of 2 s to
 * minutes and rates that are constant, grow, end, go on and off, beside programs that dump tables or not.
 * For each sort those that got full, how late they were warned of (told to be full within 10 s, and so
 * until they were), the error of what was told 10 s before; of those that stayed below 95 % of the limit,
 * the readings in which they were told to be full within 10 s or a minute, and of the tables in how many. -c: by the
 * count alone. -v: the seeds of those that were warned of late, or falsely.
 */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/bench/random_table.h"
#include "tests/bench/replay.h"

/* Smaller than the kernel's, so that thousands of them take minutes. */
enum { LIMIT = 16384, SAMPLE = 1000, TABLES_MAX = 100000, SECONDS = 120 };

static const double HORIZON_S = 10;

/* What a sort of tables came to. */
struct sort {
	const char *name;
	unsigned int traits; /* those that it must not have are in without */
	unsigned int without;
	size_t full, unwarned, late; /* warned of never, less than 5 s before */
	size_t errors;
	double error[TABLES_MAX];
	size_t calm, alarmed; /* tables that did not fill; where an alarm was told */
	size_t readings, soon, minute;
};

enum { ALL = RANDOM_RAMP | RANDOM_ENDS | RANDOM_BURSTS | RANDOM_DUMPS };

static struct sort SORTS[] = {
	{ .name = "constant rates", .without = ALL },
	{ .name = "rates that grow",
	  .traits = RANDOM_RAMP,
	  .without = ALL & ~RANDOM_RAMP },
	{ .name = "dumps by others",
	  .traits = RANDOM_DUMPS,
	  .without = RANDOM_ENDS | RANDOM_BURSTS },
	{ .name = "sources that end", .traits = RANDOM_ENDS, .without = RANDOM_BURSTS },
	{ .name = "sources that go on and off", .traits = RANDOM_BURSTS },
	{ .name = "all" },
};

enum { SORTS_COUNT = sizeof(SORTS) / sizeof(SORTS[0]) };

/* How one went. */
struct course_of {
	double full_at_s, peak;
	double since_s; /* alarms that did not end; INFINITY: none */
	double told_s; /* when it would be full, as told about 10 s before; NAN: nothing was */
	size_t readings, soon, minute;
};

static void note(struct course_of *course, double now_s, double full_s,
		 double told[SECONDS + 1])
{
	course->readings++;
	course->soon += full_s <= HORIZON_S;
	course->minute += full_s <= 60;
	course->since_s = full_s > HORIZON_S ? INFINITY : fmin(course->since_s, now_s);
	told[(size_t)now_s] = now_s + full_s;
}

static struct course_of play(struct sim *sim, bool by_count)
{
	static struct replay replay;
	double told[SECONDS + 1] = { 0 };
	struct course_of course = { .since_s = INFINITY, .told_s = NAN };

	memset(&replay, 0, sizeof(replay));
	replay.sample_max = by_count ? 0 : SAMPLE;
	replay.sparing = true;
	while (sim->now_s < SECONDS && isinf(sim->full_at_s)) {
		sim_step(sim);
		if (replay_step(&replay, sim))
			note(&course, sim->now_s, replay_ahead(&replay, sim).full_s,
			     told);
	}
	course.full_at_s = sim->full_at_s;
	course.peak = sim->peak;
	if (isfinite(sim->full_at_s) && sim->full_at_s > HORIZON_S + 3)
		course.told_s = told[(size_t)(sim->full_at_s - HORIZON_S)];
	return course;
}

/* The error of what was told 10 s before, in percent. */
static double error_of(const struct course_of *course)
{
	double at_s = floor(course->full_at_s - HORIZON_S);
	double truth_s = course->full_at_s - at_s;

	return fmin(1000, 100 * fabs(course->told_s - at_s - truth_s) / truth_s);
}

static void add(struct sort *sort, const struct course_of *course)
{
	if (isfinite(course->full_at_s)) {
		sort->full++;
		sort->unwarned += isinf(course->since_s);
		sort->late += course->full_at_s - course->since_s < 5;
		if (!isnan(course->told_s))
			sort->error[sort->errors++] = error_of(course);
	} else if (course->peak < 0.95 * LIMIT) {
		sort->calm++;
		sort->alarmed += course->soon > 0;
		sort->readings += course->readings;
		sort->soon += course->soon;
		sort->minute += course->minute;
	}
}

static int compare(const void *left, const void *right)
{
	const double *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

static double percent(size_t part, size_t whole)
{
	return whole ? 100 * (double)part / (double)whole : 0;
}

static void print_sort(struct sort *sort)
{
	double *error = sort->error;
	size_t within = 0;

	qsort(error, sort->errors, sizeof(error[0]), compare);
	while (within < sort->errors && error[within] <= 10)
		within++;
	printf("| %s | %zu | %.1f %% | %.1f %% | %.1f %%, %.0f %%, %.0f %% |", sort->name,
	       sort->full, percent(sort->late, sort->full),
	       percent(sort->unwarned, sort->full),
	       sort->errors ? error[sort->errors / 2] : 0,
	       sort->errors ? error[sort->errors * 9 / 10] : 0,
	       percent(within, sort->errors));
	printf(" %zu | %.1f %% | %.2f %% | %.2f %% |\n", sort->calm,
	       percent(sort->alarmed, sort->calm), percent(sort->soon, sort->readings),
	       percent(sort->minute, sort->readings));
}

static void try_seed(uint64_t seed, bool by_count, bool verbose)
{
	struct sim sim;
	unsigned int traits = random_table(&sim, seed, LIMIT, ALL);
	struct course_of course = play(&sim, by_count);

	for (size_t i = 0; i < SORTS_COUNT; i++) {
		struct sort *sort = &SORTS[i];

		if ((traits & sort->traits) == sort->traits && !(traits & sort->without))
			add(sort, &course);
	}
	if (verbose && isfinite(course.full_at_s) &&
	    course.full_at_s - course.since_s < 5)
		printf("%" PRIu64 ": traits %u, full at %.1f, warned of at %.0f\n", seed,
		       traits, course.full_at_s, course.since_s);
	if (verbose && isinf(course.full_at_s) && course.peak < 0.95 * LIMIT &&
	    course.soon)
		printf("%" PRIu64 ": traits %u, %zu false alarms, at most %.0f %%\n",
		       seed, traits, course.soon, 100 * course.peak / LIMIT);
	sim_close(&sim);
}

int main(int argc, char **argv)
{
	bool by_count = false, verbose = false;
	size_t tables = 3000;
	uint64_t seed = 1;
	int option;

	while ((option = getopt(argc, argv, "cvn:s:")) != -1) {
		switch (option) {
		case 'c': by_count = true; break;
		case 'v': verbose = true; break;
		case 'n': tables = strtoul(optarg, NULL, 10); break;
		case 's': seed = strtoull(optarg, NULL, 10); break;
		default: return 2;
		}
	}
	if (tables < 1 || tables > TABLES_MAX)
		return 2;
	for (size_t i = 0; i < tables; i++)
		try_seed(seed + i, by_count, verbose);
	printf("| random tables with | full | warned of < 5 s before | never | error 10 "
	       "s "
	       "before: median, 90 %%, share within 10 %% | not full | with a false "
	       "alarm | "
	       "false readings: within 10 s | 60 s "
	       "|\n|---|---|---|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < SORTS_COUNT; i++)
		print_sort(&SORTS[i]);
	return 0;
}
