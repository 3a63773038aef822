// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conntrack/breakdown.h"
#include "conntrack/flow.h"
#include "conntrack/forecast.h"
#include "conntrack/holders.h"
#include "conntrack/host.h"
#include "conntrack/lifetimes.h"
#include "conntrack/listeners.h"
#include "conntrack/untracked.h"
#include "lib/clock.h"
#include "lib/nl.h"

static const double HOST_EVERY_S = 2; /* listeners and addresses */
static const double UNTRACKED_EVERY_S = 0.5;
static const double PROBE_EVERY_S = 5; /* whether conntrack is active */

/*
 * A worst share of 50 % is within 2 points in 95 % of samples of 2,400, in 99 % of 4,000 flows,
 * which take 8 ms where a dump of 262,144 takes 0.8 s.
 */
static const struct sample_size SIZE = { .enough = 2500,
					 .most = 4000,
					 .budget_s = 0.008 };

/*
 * The share of the time that sampling may take. A sample is always of the same part of the
 * table, so while nothing moves there is nothing to learn from the next one. That of a
 * nearly empty table walks all of its buckets: 10 ms and more.
 */
static const double SHARE_AT_REST = 0.001, SHARE_MOVED = 0.005, SHARE_MOVED_FAR = 0.05;

/* What a change is: a part of the entries, and more than some. Far: also a part of the limit. */
enum { MOVED_PART = 20, MOVED_LEAST = 16, FAR_PART = 1000 };

/* How often in all the kernel is asked what it could not answer. */
enum { TRIES = 3 };

struct watch {
	struct nl *nl;   /* NULL: /proc only */
	struct nl *diag; /* this or the next NULL: neither addresses nor listeners */
	struct nl *route;
	int count_fd; /* table_count_open(); negative: none */
	int missing;  /* why there is /proc only */
	struct watch_config config;
	double part;
	struct table_usage usage;
	uint32_t buckets; /* of the kernel's hash; 0: not known */
	struct forecast forecast;
	struct lifetimes lifetimes;
	struct outlook outlook;

	bool counted;
	uint64_t counted_ns; /* CLOCK_MONOTONIC */
	uint64_t totals[TABLE_COUNTERS];
	struct table_counters shown; /* to the reader of watch_read() */
	uint64_t shown_ns;           /* 0: never */
	uint64_t interrupted, overruns;
	struct table_counters counters;

	enum active active;
	int probe_error;
	uint64_t probed_ns; /* this and the next: CLOCK_MONOTONIC; 0: never */
	uint64_t host_ns;
	uint64_t untracked_ns;
	bool untracked_known;
	struct untracked untracked;
	uint64_t sampled_ns;
	double sample_cost_s;
	uint32_t sample_counted;
	uint64_t fingerprint;   /* of the listeners */
	bool listeners_changed; /* since the last sample */
	struct sample sample;
	struct breakdown breakdown;
	struct holders holders;
	struct host host;
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

static void read_counters(struct watch *watch)
{
	struct table_counters now = { 0 }, gained;

	for (int i = 0; i < TRIES; i++) {
		int err = note(watch, table_counters_get(watch->nl, &now));

		if (!err)
			break;
		if ((err != -EINTR && err != -ENOBUFS) || i == TRIES - 1)
			return;
	}
	gained = table_counters_delta(&watch->counters, &now);
	for (size_t i = 0; i < TABLE_COUNTERS; i++)
		watch->totals[i] += table_counter_value(&gained, &TABLE_COUNTER[i]);
	watch->counters = now;
	watch->counted = true;
	watch->counted_ns = clock_now_ns();
}

int watch_open(struct watch **out, const struct watch_config *config)
{
	struct watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return -ENOMEM;
	watch->config = *config;
	watch->part = 1;
	watch->count_fd = table_count_open();
	watch->missing = nl_open(&watch->nl, NETLINK_NETFILTER);
	/* Without them flows are told apart by address and port alone. */
	if (nl_open(&watch->diag, NETLINK_SOCK_DIAG) < 0)
		watch->diag = NULL;
	if (nl_open(&watch->route, NETLINK_ROUTE) < 0)
		watch->route = NULL;
	/* So that already the first reading has rates. */
	if (!watch->missing)
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
	free(watch);
}

void watch_set_part(struct watch *watch, double part)
{
	watch->part = part;
}

static bool may_pass(int err)
{
	return err == -EINTR || err == -ENOBUFS || err == -ENOMEM || err == -ETIMEDOUT;
}

/* Falls back to /proc for good: privileges and kernel features do not come later. */
static int read_usage(struct watch *watch)
{
	for (int i = 0; i < TRIES && !watch->missing; i++) {
		int err = note(watch, table_usage_get(watch->nl, &watch->usage));
		if (!err)
			return 0;
		if (!may_pass(err))
			watch->missing = err;
	}
	return table_usage_read(&watch->usage);
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

static void probe(struct watch *watch, uint64_t now_ns)
{
	if (!is_due(watch->probed_ns, now_ns, PROBE_EVERY_S))
		return;
	watch->probed_ns = now_ns;
	watch->probe_error = active_probe(watch->nl, &watch->active);
	if (watch->probe_error)
		watch->active = ACTIVE_UNKNOWN;
}

static void on_flow(const struct flow *flow, void *data)
{
	struct watch *watch = data;

	breakdown_add(&watch->breakdown, &watch->host, flow);
	lifetimes_add(&watch->lifetimes, flow);
}

/* Also between samples: it costs little, and a new listener makes a new sample. */
static void read_host(struct watch *watch, uint64_t now_ns)
{
	uint64_t before = watch->fingerprint;

	if (!watch->diag || !watch->route ||
	    !is_due(watch->host_ns, now_ns, HOST_EVERY_S))
		return;
	watch->host_ns = now_ns;
	/* What could be read is used. */
	(void)listeners_read(watch->diag, watch->route, &watch->host);
	watch->fingerprint = host_fingerprint(&watch->host);
	watch->listeners_changed |= watch->fingerprint != before;
}

/* Finding out that a table is empty takes a walk of all its buckets: 10 ms. */
static int sample(struct watch *watch)
{
	const struct sample_size asked = { .enough = watch->config.sample_max,
					   .most = watch->config.sample_max };

	if (watch->usage.entries == 0) {
		watch->sample = (struct sample){ .complete = true };
		return 0;
	}
	return sample_take_sized(watch->nl, asked.most ? &asked : &SIZE, on_flow, watch,
				 &watch->sample);
}

/* One that was cut short is taken again; the last may remain so, and tells of no lifetimes. */
static void sample_whole(struct watch *watch, uint64_t now_ns)
{
	for (int i = 0; i < TRIES; i++) {
		int err;

		breakdown_clear(&watch->breakdown);
		lifetimes_begin(&watch->lifetimes, now_ns);
		err = sample(watch);
		if (!err && note(watch, watch->sample.cut) == 0) {
			lifetimes_end(&watch->lifetimes);
			outlook_note(&watch->outlook, &watch->forecast, &watch->lifetimes,
				     watch->usage.entries, watch->buckets);
			return;
		}
		lifetimes_restart(&watch->lifetimes);
		if (err) {
			watch->sample = (struct sample){ 0 };
			return;
		}
	}
}

/* How much of the time sampling may take now. */
static double sample_share(const struct watch *watch)
{
	uint32_t before = watch->sample_counted, now = watch->usage.entries;
	uint32_t moved = now > before ? now - before : before - now;
	bool another = moved > MOVED_LEAST && moved > before / MOVED_PART;

	/* What comes and goes takes two samples to see. */
	if ((another && moved > watch->usage.limit / FAR_PART) ||
	    !watch->lifetimes.compared)
		return SHARE_MOVED_FAR;
	return another || watch->listeners_changed ? SHARE_MOVED : SHARE_AT_REST;
}

static void take_sample(struct watch *watch)
{
	uint64_t now_ns = clock_now_ns();
	double every_s = watch->sample_cost_s / (sample_share(watch) * watch->part);

	if (!is_due(watch->sampled_ns, now_ns, every_s))
		return;
	watch->sample_counted = watch->usage.entries;
	sample_whole(watch, now_ns);
	breakdown_sort(&watch->breakdown);
	watch->listeners_changed = false;
	watch->sampled_ns = now_ns;
	watch->sample_cost_s = clock_between_s(now_ns, clock_now_ns());
	holders_update(&watch->holders, &watch->host, &watch->breakdown.services,
		       &watch->breakdown.sockets, watch->config.netns, now_ns);
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

static void predict(const struct watch *watch, struct reading *reading)
{
	struct outlook_result ahead =
		outlook_ahead(&watch->outlook, &watch->forecast,
			      watch->lifetimes.taken_ns ? &watch->lifetimes : NULL,
			      watch->usage.limit, watch->buckets);

	reading->predicted = forecast_ready(&watch->forecast);
	reading->slope = forecast_slope(&watch->forecast);
	reading->verdict = ahead.verdict;
	reading->full_s = ahead.full_s;
	reading->settles_at = ahead.settles_at;
	reading->arrivals_per_s = ahead.arrivals_per_s;
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
	if (!watch->missing) {
		probe(watch, now_ns);
		count(watch, &reading);
		read_host(watch, now_ns);
		take_sample(watch);
		read_untracked(watch, now_ns);
		reading.active = watch->active;
		reading.probe_error = watch->probe_error;
		reading.sampled = true;
		reading.sample_age_s =
			watch->sampled_ns > now_ns
				? 0
				: clock_between_s(watch->sampled_ns, now_ns);
		reading.interrupted = watch->interrupted;
		reading.overruns = watch->overruns;
		reading.sample_cost_s = watch->sample_cost_s;
		reading.sample = watch->sample;
		reading.sample_counted = watch->sample_counted;
		reading.services = &watch->breakdown.services;
		reading.sources = &watch->breakdown.sources;
		reading.states = &watch->breakdown.states;
		reading.untracked = watch->untracked_known ? &watch->untracked : NULL;
		reading.holders = &watch->holders.by_process;
		reading.process = watch->holders.service;
		reading.processes = watch->holders.services;
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
