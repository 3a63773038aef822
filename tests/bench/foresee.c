// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * foresee [-v] LIMIT SECONDS: forecasts this network namespace's table against a limit of its own, as
 * ctwatch does it against the kernel's: counts each 0.1 s, samples each second. Ends when
 * the table has LIMIT entries, or after SECONDS. Prints, as the row of a table, the most entries there
 * were, when it was full, the error of what was told 30, 10 and 5 s before, and in how many seconds
 * it was told to be full within 10 s, 60 s and any time though it was not. -v: each second.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <linux/netlink.h>

#include "conntrack/forecast.h"
#include "conntrack/lifetimes.h"
#include "conntrack/outlook.h"
#include "conntrack/sample.h"
#include "conntrack/table.h"
#include "lib/clock.h"
#include "lib/nl.h"

enum { SAMPLE = 2000, POLLS = 10, TOLD_MAX = 1000 };

struct foresee {
	struct nl *nl;
	struct forecast forecast;
	struct lifetimes lifetimes;
	struct outlook outlook;
	uint32_t limit, buckets, peak;
	uint64_t start_ns, full_ns; /* full_ns 0: not so far */
	size_t count;
	double at_s[TOLD_MAX], full_s[TOLD_MAX];
};

static void on_flow(const struct flow *flow, void *data)
{
	struct foresee *foresee = data;

	lifetimes_add(&foresee->lifetimes, flow);
}

static int poll_once(struct foresee *foresee, struct table_usage *usage)
{
	const struct timespec pause = { .tv_nsec = CLOCK_NS_PER_S / POLLS };
	int err;

	clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	err = table_usage_get(foresee->nl, usage);
	if (err)
		return err;
	forecast_add(&foresee->forecast, clock_now_ns(), usage->entries);
	if (usage->entries > foresee->peak)
		foresee->peak = usage->entries;
	if (usage->entries >= foresee->limit && !foresee->full_ns)
		foresee->full_ns = clock_now_ns();
	return 0;
}

static void note(struct foresee *foresee, const struct sample *sample, double counted)
{
	struct outlook_walk walk = { .live = sample->flows,
				     .whole = sample->complete,
				     .counted = counted,
				     .left = counted };
	struct table_usage usage;

	if (table_usage_get(foresee->nl, &usage) == 0) {
		walk.left = usage.entries;
		walk.collected = forecast_note_walk(&foresee->forecast, clock_now_ns(),
						    usage.entries);
	}
	outlook_note(&foresee->outlook, &foresee->forecast, &foresee->lifetimes, &walk,
		     foresee->buckets);
}

/* A second: polls, a sample, and what it tells. */
static int watch_second(struct foresee *foresee, bool verbose)
{
	struct outlook_result result;
	struct table_usage usage = { 0 };
	struct sample sample;
	int err = 0;

	for (int i = 0; i < POLLS && !err && !foresee->full_ns; i++)
		err = poll_once(foresee, &usage);
	if (err || foresee->full_ns)
		return err;
	lifetimes_begin(&foresee->lifetimes, clock_now_ns());
	err = sample_take(foresee->nl, SAMPLE, on_flow, foresee, &sample);
	if (err)
		return err;
	lifetimes_end(&foresee->lifetimes);
	note(foresee, &sample, usage.entries);
	result = outlook_ahead(&foresee->outlook, &foresee->forecast, &foresee->lifetimes,
			       foresee->limit, foresee->buckets);
	foresee->at_s[foresee->count] =
		clock_between_s(foresee->start_ns, foresee->forecast.last_ns);
	foresee->full_s[foresee->count++] = result.full_s;
	if (verbose)
		fprintf(stderr,
			"%6.1f n=%6" PRIu32
			" expired about %6.0f  %-7s full %6.1f at %7.0f "
			"arrivals %6.0f climb %+.0f\n",
			foresee->at_s[foresee->count - 1], usage.entries,
			foresee->outlook.expired, outlook_name(result.verdict),
			result.full_s, result.settles_at, result.arrivals_per_s,
			result.slope);
	return 0;
}

static void print_error(const struct foresee *foresee, double before_s)
{
	double full_s = clock_between_s(foresee->start_ns, foresee->full_ns);

	for (size_t i = foresee->count; i-- > 0;) {
		double truth = full_s - foresee->at_s[i];

		if (truth < before_s || truth > before_s + 1.5)
			continue;
		printf(" %.1f |", 100 * fabs(foresee->full_s[i] - truth) / truth);
		return;
	}
	printf(" - |");
}

static void print_row(const struct foresee *foresee)
{
	size_t soon = 0, minute = 0, any = 0;

	printf(" %" PRIu32 " of %" PRIu32 " |", foresee->peak, foresee->limit);
	if (foresee->full_ns) {
		printf(" %.1f s |", clock_between_s(foresee->start_ns, foresee->full_ns));
		print_error(foresee, 30);
		print_error(foresee, 10);
		print_error(foresee, 5);
		printf(" |\n");
		return;
	}
	for (size_t i = 0; i < foresee->count; i++) {
		soon += foresee->full_s[i] <= 10;
		minute += foresee->full_s[i] <= 60;
		any += isfinite(foresee->full_s[i]);
	}
	printf(" no | | | | %zu, %zu, %zu of %zu |\n", soon, minute, any, foresee->count);
}

int main(int argc, char **argv)
{
	static struct foresee foresee;
	bool verbose = argc > 1 && argv[1][0] == '-';
	double seconds;
	int err;

	if (argc != 3 + verbose) {
		fprintf(stderr, "usage: foresee [-v] LIMIT SECONDS\n");
		return 2;
	}
	foresee.limit = (uint32_t)strtoul(argv[argc - 2], NULL, 10);
	seconds = fmin(strtod(argv[argc - 1], NULL), TOLD_MAX);
	err = nl_open(&foresee.nl, NETLINK_NETFILTER);
	if (!err)
		err = table_buckets_read(&foresee.buckets);
	foresee.start_ns = clock_now_ns();
	while (!err && !foresee.full_ns && foresee.count < seconds)
		err = watch_second(&foresee, verbose);
	nl_close(foresee.nl);
	if (err) {
		fprintf(stderr, "foresee: %s\n", strerror(-err));
		return 1;
	}
	print_row(&foresee);
	return 0;
}
