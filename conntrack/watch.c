// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/watch.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conntrack/collector.h"
#include "conntrack/counters.h"
#include "conntrack/forecast.h"
#include "conntrack/host.h"
#include "conntrack/sampler.h"
#include "conntrack/tracking.h"
#include "conntrack/untracked.h"
#include "lib/clock.h"
#include "lib/nl.h"

static const double UNTRACKED_EVERY_S = 0.5;

/* How often in all the kernel is asked what it could not answer. */
enum { TRIES = 3 };

struct watch {
	struct nl *nl;   /* NULL: /proc only */
	struct nl *diag; /* this or the next NULL: neither addresses nor listeners */
	struct nl *route;
	int count_fd; /* table_count_open(), table_limit_open(); negative: none */
	int limit_fd;
	int missing; /* why there is /proc only */
	struct table_usage usage;
	uint32_t buckets; /* of the kernel's hash; 0: not known */
	struct forecast forecast;
	struct outlook outlook;

	bool counted;
	uint64_t counted_ns; /* CLOCK_MONOTONIC */
	uint64_t totals[TABLE_COUNTERS];
	struct table_counters shown; /* to the reader of watch_read() */
	uint64_t shown_ns;           /* 0: never */
	uint64_t interrupted, overruns;
	struct table_counters counters;

	struct tracking tracking;
	uint64_t untracked_ns;
	bool untracked_known;
	struct untracked untracked;
	struct sampler sampler;
};

static bool is_due(uint64_t last_ns, uint64_t now_ns, double every_s)
{
	return last_ns == 0 || clock_between_s(last_ns, now_ns) >= every_s;
}

/* What the kernel could not answer this time. Returns err. */
static int note(struct watch *watch, int err)
{
	watch->interrupted += err == -EINTR;
	watch->overruns += err == -ENOBUFS;
	return err;
}

/* From /proc, where kernels have it, for the same reason as read_usage(). Returns 0 or -errno. */
static int ask_counters(struct watch *watch, struct table_counters *out)
{
	int err = counters_read(out);

	if (err && !watch->missing)
		/* As if it had been interrupted: so that netlink is asked. */
		err = -EINTR;
	for (int i = 0; i < TRIES && (err == -EINTR || err == -ENOBUFS); i++)
		err = note(watch, table_counters_get(watch->nl, out));
	return err;
}

static void read_counters(struct watch *watch)
{
	struct table_counters now;

	if (ask_counters(watch, &now) < 0)
		return;
	table_counters_advance(&watch->counters, &now, watch->totals);
	watch->counted = true;
	watch->counted_ns = clock_now_ns();
}

static bool may_pass(int err)
{
	return err == -EINTR || err == -ENOBUFS || err == -ENOMEM || err == -ETIMEDOUT;
}

/* Whether netlink answers: privileges and kernel features do not come later. */
static void find_missing(struct watch *watch)
{
	/* So that it is asked once at least. */
	int err = watch->missing ? 0 : -EINTR;

	for (int i = 0; i < TRIES && may_pass(err); i++)
		err = note(watch, table_usage_get(watch->nl, &watch->usage));
	if (err && !may_pass(err))
		watch->missing = err;
}

int watch_open(struct watch **out, const struct watch_config *config)
{
	struct watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return -ENOMEM;
	watch->sampler.max = config->sample_max;
	watch->sampler.netns = config->netns;
	if (config->asked && config->asked->count)
		watch->sampler.rollcall.asked = config->asked;
	watch->sampler.part = 1;
	watch->outlook.tick_s = collector_tick_s();
	watch->count_fd = table_count_open();
	watch->limit_fd = table_limit_open();
	watch->missing = nl_open(&watch->nl, NETLINK_NETFILTER);
	/* Without them flows are told apart by address and port alone. */
	if (nl_open(&watch->diag, NETLINK_SOCK_DIAG) < 0)
		watch->diag = NULL;
	if (nl_open(&watch->route, NETLINK_ROUTE) < 0)
		watch->route = NULL;
	find_missing(watch);
	/* So that already the first reading has rates. */
	read_counters(watch);
	watch->shown = watch->counters;
	watch->shown_ns = watch->counted_ns;
	*out = watch;
	return 0;
}

void watch_close(struct watch *watch)
{
	if (!watch)
		return;
	nl_close(watch->nl);
	nl_close(watch->diag);
	nl_close(watch->route);
	if (watch->count_fd >= 0)
		close(watch->count_fd);
	if (watch->limit_fd >= 0)
		close(watch->limit_fd);
	free(watch);
}

int watch_missing(const struct watch *watch)
{
	return watch->missing;
}

bool watch_has_counted(const struct watch *watch)
{
	const struct rollcall *rollcall = &watch->sampler.rollcall;

	return !rollcall->asked || rollcall->taken_ns;
}

void watch_set_part(struct watch *watch, double part)
{
	watch->sampler.part = part;
}

/*
 * From /proc: a request by netlink waits for all who fill or dump tables, here or in other
 * namespaces. Where a file could not be kept open, it is opened anew, or else netlink asked.
 */
static int read_usage(struct watch *watch)
{
	struct table_usage usage;
	int err = table_count_read(watch->count_fd, &usage.entries);

	if (!err)
		err = table_count_read(watch->limit_fd, &usage.limit);
	if (err)
		err = table_usage_read(&usage);
	if (err && !watch->missing)
		err = note(watch, table_usage_get(watch->nl, &usage));
	if (!err)
		watch->usage = usage;
	return err;
}

int watch_poll(struct watch *watch)
{
	int err = table_count_read(watch->count_fd, &watch->usage.entries);

	if (!err)
		forecast_add(&watch->forecast, clock_now_ns(), watch->usage.entries);
	return err;
}

int watch_poll_inside(struct watch *watch)
{
	int err = read_usage(watch);

	if (!err)
		forecast_add(&watch->forecast, clock_now_ns(), watch->usage.entries);
	return err;
}

uint32_t watch_entries(const struct watch *watch)
{
	return watch->usage.entries;
}

static void count(struct watch *watch, struct reading *reading)
{
	read_counters(watch);
	reading->counted = watch->counted;
	reading->counters = watch->counters;
	memcpy(reading->totals, watch->totals, sizeof(reading->totals));
	reading->since = table_counters_delta(&watch->shown, &watch->counters);
	if (watch->shown_ns)
		reading->since_s = clock_between_s(watch->shown_ns, watch->counted_ns);
}

/* From a sample, which has collected what had expired of the entries that it walked. */
static void learn(struct watch *watch)
{
	struct sampler *sampler = &watch->sampler;
	struct outlook_walk walk = {
		.live = sampler->sample.flows,
		.whole = sampler->sample.complete,
		.counted = watch->usage.entries,
		.left = watch->usage.entries,
	};

	if (read_usage(watch) == 0) {
		walk.left = watch->usage.entries;
		walk.collected = forecast_note_walk(&watch->forecast, clock_now_ns(),
						    watch->usage.entries);
	}
	outlook_note(&watch->outlook, &watch->forecast, &sampler->lifetimes, &walk,
		     watch->buckets);
}

/* Entries that were pushed out for others, so far. */
static uint64_t evicted(const struct watch *watch)
{
	for (size_t i = 0; i < TABLE_COUNTERS; i++) {
		if (TABLE_COUNTER[i].offset ==
		    offsetof(struct table_counters, early_drop))
			return watch->totals[i];
	}
	return 0;
}

/* Takes a sample, if need be, and learns from it. */
static void look(struct watch *watch, uint64_t now_ns)
{
	struct sampler *sampler = &watch->sampler;

	/* Also between samples: it costs little, and a new listener makes a new sample. */
	if (watch->diag && watch->route)
		sampler_see_host(sampler, watch->diag, watch->route, now_ns);
	sampler->evicted = evicted(watch);
	if (sampler_look(sampler, watch->nl, &watch->usage))
		learn(watch);
}

static void read_untracked(struct watch *watch, uint64_t now_ns)
{
	struct untracked now;

	if (!is_due(watch->untracked_ns, now_ns, UNTRACKED_EVERY_S))
		return;
	if (untracked_read(watch->nl, &now) < 0) {
		watch->untracked_known = false;
	} else {
		if (watch->untracked_known)
			untracked_rate(&watch->untracked,
				       clock_between_s(watch->untracked_ns, now_ns),
				       &now);
		watch->untracked = now;
		watch->untracked_known = true;
	}
	watch->untracked_ns = now_ns;
}

static void tell_sample(const struct sampler *sampler, uint64_t now_ns,
			struct reading *reading)
{
	reading->sampled = true;
	reading->sample_age_s = sampler->taken_ns > now_ns
					? 0
					: clock_between_s(sampler->taken_ns, now_ns);
	reading->sample_cost_s = sampler->took_s;
	reading->sample = sampler->sample;
	reading->sample_counted = sampler->counted;
	reading->left_out = host_left_out(&sampler->host);
	reading->services = &sampler->breakdown.services;
	reading->sources = &sampler->breakdown.sources;
	reading->states = &sampler->breakdown.states;
	reading->holders = &sampler->holders.by_process;
	reading->barred = sampler->holders.barred;
	reading->process = sampler->holders.service;
	reading->processes = sampler->holders.services;
	if (sampler->rollcall.asked && sampler->rollcall.taken_ns) {
		reading->called = &sampler->rollcall;
		reading->called_age_s =
			sampler->rollcall.taken_ns > now_ns
				? 0
				: clock_between_s(sampler->rollcall.taken_ns, now_ns);
	}
}

/* What comes is at least what is turned away or pushes others out. */
static void overflow(struct reading *reading)
{
	double lost = (double)reading->since.drop + reading->since.early_drop;

	reading->verdict = OUTLOOK_FULL;
	reading->full_s = reading->slope = 0;
	reading->settles_at = NAN;
	if (reading->since_s > 0)
		reading->arrivals_per_s =
			fmax(reading->arrivals_per_s, lost / reading->since_s);
}

static void predict(const struct watch *watch, struct reading *reading)
{
	const struct lifetimes *lifetimes = &watch->sampler.lifetimes;
	struct outlook_result ahead = outlook_ahead(
		&watch->outlook, &watch->forecast, lifetimes->taken_ns ? lifetimes : NULL,
		watch->usage.limit, watch->buckets);

	reading->predicted = forecast_ready(&watch->forecast);
	reading->slope = ahead.slope;
	reading->verdict = ahead.verdict;
	reading->full_s = ahead.full_s;
	reading->settles_at = ahead.settles_at;
	/* That looked at what the sample has left. */
	if (ahead.verdict == OUTLOOK_SETTLES)
		reading->settles_at =
			fmax(ahead.settles_at, (double)reading->usage.entries);
	reading->arrivals_per_s = ahead.arrivals_per_s;
	/* A sample may have collected some since the reading was begun. */
	reading->live = watch->usage.entries - ahead.expired;
	if (tracking_overflows(&reading->usage, &reading->since))
		overflow(reading);
}

int watch_glance(struct watch *watch, struct reading *out)
{
	uint64_t now_ns = clock_now_ns();
	struct reading reading = { 0 };
	int err = watch_poll_inside(watch);

	if (err)
		return err;
	reading.missing = watch->missing;
	reading.usage = watch->usage;
	/* Without it the words assume as many as the limit, as kernels do by default. */
	(void)table_buckets_read(&watch->buckets);
	reading.buckets = watch->buckets;
	count(watch, &reading);
	if (!watch->missing) {
		tracking_look(&watch->tracking, watch->nl, &watch->usage, &reading.since,
			      now_ns);
		look(watch, now_ns);
		read_untracked(watch, now_ns);
		tell_sample(&watch->sampler, now_ns, &reading);
		reading.active = watch->tracking.active;
		reading.probe_error = watch->tracking.error;
		if (reading.active == ACTIVE_NO)
			reading.demand = &watch->tracking.demand;
		reading.interrupted = watch->interrupted + watch->sampler.interrupted;
		reading.overruns = watch->overruns + watch->sampler.overruns;
		reading.untracked = watch->untracked_known ? &watch->untracked : NULL;
	}
	predict(watch, &reading);
	*out = reading;
	return 0;
}

int watch_read(struct watch *watch, struct reading *out)
{
	int err = watch_glance(watch, out);

	if (err || !watch->counted)
		return err;
	watch->shown = watch->counters;
	watch->shown_ns = watch->counted_ns;
	return 0;
}
