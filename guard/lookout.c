// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/lookout.h"

#include <errno.h>
#include <linux/netlink.h>
#include <math.h>
#include <stdlib.h>

#include "conntrack/addresses.h"
#include "conntrack/forecast.h"
#include "conntrack/routes.h"
#include "conntrack/sample.h"
#include "conntrack/table.h"
#include "guard/census.h"
#include "guard/config.h"
#include "guard/lease.h"
#include "lib/clock.h"
#include "lib/nl.h"

/* How long a census of a table at rest serves as the baseline of growth. */
static const double BASELINE_AGE_S = 30;

/* A table that would take this many horizons to fill is at rest. */
static const double REST_HORIZONS = 6;

/*
 * How long an entry of a one-shot UDP flow lives (nf_conntrack_udp_timeout's default): each
 * untracked packet may be such a flow once it is tracked again.
 */
static const double ENTRY_LIFETIME_S = 30;

/* How long the name of whoever fills the table serves. */
static const double TOP_AGE_S = 10;

/*
 * Expired entries are counted until they are collected, and have no owner: a table that is this
 * full and leaves this much time is purged of them before anybody is blamed, not more often
 * than this.
 */
static const double PURGE_FROM = 0.25;
static const double PURGE_NEEDS_S = 2;
static const double PURGE_AGE_S = 10;

/* A census that makes the count fall to this part of it has collected expired entries itself. */
static const double COLLECTED_PART = 0.95;

/* When nothing helps, and the count moves by less than this share of the limit, look again after: */
static const double HELPLESS_MOVE = 0.01;
static const double HELPLESS_AGE_S = 0.25;

/* How old a rehearsal's knowledge of what it pretends to have taken out may be. */
static const double PRETENCE_AGE_S = 0.2;

struct lookout {
	const struct config *config;
	const struct leases *leases;
	bool rehearse;
	struct nl *nl;
	struct nl *route;
	struct forecast forecast;
	struct census baseline;
	struct census census;
	struct census_top top;
	uint64_t top_ns;      /* when it was found; 0: never */
	uint64_t purged_ns;   /* when the table was purged; 0: never */
	uint64_t helpless_ns; /* when nothing helped; 0: that is over */
	uint32_t helpless_entries;
	uint32_t counted; /* entries at the last look, without pretence */
	char names[POLICY_SERVICES_MAX][SERVICE_TEXT_MAX];
	struct policy_view view;
	struct addresses local;
};

int lookout_open(struct lookout **out, const struct config *config,
		 const struct leases *leases, bool rehearse)
{
	struct lookout *lookout = calloc(1, sizeof(*lookout));
	int err;

	if (!lookout)
		return -ENOMEM;
	lookout->config = config;
	lookout->leases = leases;
	lookout->rehearse = rehearse;
	lookout->view.count = config->count;
	for (size_t i = 0; i < config->count; i++) {
		service_format(&config->services[i].service, lookout->names[i]);
		lookout->view.services[i].name = lookout->names[i];
	}
	err = nl_open(&lookout->nl, NETLINK_NETFILTER);
	if (!err)
		err = nl_open(&lookout->route, NETLINK_ROUTE);
	if (!err)
		err = lookout_read_local(lookout);
	if (!err)
		err = lookout_restart(lookout, NULL);
	if (err) {
		lookout_close(lookout);
		return err;
	}
	*out = lookout;
	return 0;
}

void lookout_close(struct lookout *lookout)
{
	if (!lookout)
		return;
	nl_close(lookout->nl);
	nl_close(lookout->route);
	free(lookout);
}

int lookout_read_local(struct lookout *lookout)
{
	return routes_read_local(lookout->route, &lookout->local);
}

static bool younger(uint64_t then_ns, uint64_t now_ns, double age_s)
{
	return then_ns && clock_between_s(then_ns, now_ns) < age_s;
}

static void fill_services(struct lookout *lookout)
{
	const struct leases *leases = lookout->leases;

	for (size_t i = 0; i < lookout->config->count; i++) {
		struct policy_service *service = &lookout->view.services[i];

		service->engaged = leases_engaged(leases, i);
		service->engaged_since_ns = leases_since_ns(leases, i);
		service->release_after_s = config_release_after_s(lookout->config, i);
		if (lookout->rehearse)
			service->returning = service->stock;
		else
			service->returning =
				leases_packets_per_s(leases, i) * ENTRY_LIFETIME_S;
	}
}

/* What the table would be without the services that are out only in a rehearsal. */
static void pretend(const struct lookout *lookout, struct policy_view *view)
{
	double stock = 0, growth = 0;

	for (size_t i = 0; i < view->count; i++) {
		if (!view->services[i].engaged || leases_held(lookout->leases, i))
			continue;
		stock += view->services[i].stock;
		growth += policy_growth_part(view, &view->services[i]);
	}
	view->entries -= (uint32_t)fmin(view->entries, stock);
	view->slope *= 1 - fmin(1, growth);
	if (isinf(view->full_in_s))
		return;
	view->full_in_s = INFINITY;
	if (view->slope > 0)
		view->full_in_s =
			fmax(0, (double)view->limit - view->entries) / view->slope;
}

static void fill_view(struct lookout *lookout, uint64_t now_ns,
		      const struct table_usage *usage)
{
	struct policy_view *view = &lookout->view;

	view->now_ns = now_ns;
	view->entries = usage->entries;
	view->limit = usage->limit;
	view->slope = forecast_slope(&lookout->forecast);
	view->full_in_s = forecast_full_in(&lookout->forecast, usage->limit);
	view->attributed = false;
	fill_services(lookout);
}

/* Keeps a census of the table at rest: what has come since is who makes it grow. */
static int keep_baseline(struct lookout *lookout)
{
	const struct policy_view *view = &lookout->view;
	int unread, err;

	if (view->full_in_s < REST_HORIZONS * lookout->config->policy.horizon_s)
		return 0;
	if (younger(lookout->baseline.taken_ns, view->now_ns, BASELINE_AGE_S))
		return 0;
	unread = lookout_read_local(lookout);
	err = census_take(lookout->nl, lookout->config, &lookout->local, view->now_ns,
			  lookout->counted, &lookout->baseline);
	return err ? err : unread;
}

static int find_out_who(struct lookout *lookout)
{
	struct policy_view *view = &lookout->view;
	int err = census_take(lookout->nl, lookout->config, &lookout->local, view->now_ns,
			      lookout->counted, &lookout->census);

	if (!err)
		census_apply(&lookout->census, &lookout->baseline, view);
	return err;
}

/* For the message that nothing helps. */
static int find_out_top(struct lookout *lookout)
{
	struct policy_view *view = &lookout->view;
	int err = census_find_top(lookout->nl, &lookout->top);

	if (err)
		return err;
	lookout->top_ns = view->now_ns;
	view->top = lookout->top.name[0] ? lookout->top.name : NULL;
	view->top_share = lookout->top.share;
	return 0;
}

/*
 * Nothing helps: because an address came since the last reading, so that the flows to it seem
 * to be somebody else's? If not, who is it?
 */
static int reconsider(struct lookout *lookout, struct policy_decision *out)
{
	const struct policy_settings *settings = &lookout->config->policy;
	struct policy_view *view = &lookout->view;
	int unread, err;

	if (younger(lookout->top_ns, view->now_ns, TOP_AGE_S))
		return 0;
	unread = lookout_read_local(lookout);
	err = find_out_who(lookout);
	policy_decide(settings, view, out);
	if (!err && out->action == POLICY_HELPLESS) {
		err = find_out_top(lookout);
		policy_decide(settings, view, out);
	}
	return err ? err : unread;
}

/* Reads the count; -EINVAL of the forecast means that the last look still holds. */
static int look(struct lookout *lookout)
{
	struct table_usage usage;
	uint64_t now_ns = clock_now_ns();
	int err = table_usage_get(lookout->nl, &usage);

	if (err)
		return err;
	forecast_add(&lookout->forecast, now_ns, usage.entries);
	lookout->counted = usage.entries;
	fill_view(lookout, now_ns, &usage);
	return 0;
}

/*
 * A rehearsal pretends from a fresh census, as often as that is worth it; the view is then of
 * a table that is not.
 */
static int look_without(struct lookout *lookout)
{
	struct policy_view *view = &lookout->view;
	int err = 0;

	if (leases_count(lookout->leases) == 0)
		return 0;
	if (!younger(lookout->census.taken_ns, view->now_ns, PRETENCE_AGE_S))
		err = find_out_who(lookout);
	view->attributed = false;
	fill_services(lookout);
	pretend(lookout, view);
	return err;
}

/*
 * Whether the count stood for entries that were not there any more: purges the table if
 * there is time for it, and looks whether the census has collected some. The next look
 * then decides on what is left.
 */
static bool was_expired(struct lookout *lookout)
{
	struct policy_view *view = &lookout->view;
	struct table_usage usage;

	if (view->entries >= PURGE_FROM * view->limit &&
	    view->full_in_s > PURGE_NEEDS_S &&
	    !younger(lookout->purged_ns, view->now_ns, PURGE_AGE_S)) {
		lookout->purged_ns = view->now_ns;
		/* Without it the count is as it is. */
		if (sample_purge(lookout->nl))
			return false;
	}
	if (table_usage_get(lookout->nl, &usage) ||
	    usage.entries >= COLLECTED_PART * lookout->counted)
		return false;
	forecast_restart(&lookout->forecast, clock_now_ns(), usage.entries);
	lookout->baseline = (struct census){ 0 };
	return true;
}

/* Nothing helped a moment ago, and nothing has changed since: to ask again would only cost. */
static bool still_helpless(struct lookout *lookout)
{
	const struct policy_view *view = &lookout->view;
	double moved = fabs((double)view->entries - lookout->helpless_entries);

	return younger(lookout->helpless_ns, view->now_ns, HELPLESS_AGE_S) &&
	       moved < HELPLESS_MOVE * view->limit;
}

/* The policy wants to know who it is. */
static int attribute(struct lookout *lookout, struct policy_decision *out)
{
	struct policy_view *view = &lookout->view;
	int err;

	out->action = POLICY_REST;
	if (still_helpless(lookout))
		return 0;
	err = find_out_who(lookout);
	if (err || was_expired(lookout))
		return err;
	policy_decide(&lookout->config->policy, view, out);
	if (out->action != POLICY_HELPLESS)
		return 0;
	err = reconsider(lookout, out);
	lookout->helpless_ns = view->now_ns;
	lookout->helpless_entries = view->entries;
	return err;
}

int lookout_decide(struct lookout *lookout, struct policy_decision *out)
{
	const struct policy_settings *settings = &lookout->config->policy;
	struct policy_view *view = &lookout->view;
	int err;

	*out = (struct policy_decision){ .action = POLICY_REST };
	err = look(lookout);
	if (err)
		return err;
	if (lookout->rehearse)
		err = look_without(lookout);
	if (err)
		return err;
	policy_note_calm(settings, view);
	policy_decide(settings, view, out);
	if (out->action == POLICY_REST)
		return keep_baseline(lookout);
	return out->action == POLICY_ATTRIBUTE ? attribute(lookout, out) : 0;
}

const struct policy_view *lookout_view(const struct lookout *lookout)
{
	return &lookout->view;
}

double lookout_next_s(const struct lookout *lookout)
{
	return policy_poll_interval_s(&lookout->config->policy, &lookout->view);
}

int lookout_restart(struct lookout *lookout, uint32_t *entries)
{
	struct table_usage usage;
	int err = table_usage_get(lookout->nl, &usage);

	if (err)
		return err;
	forecast_restart(&lookout->forecast, clock_now_ns(), usage.entries);
	lookout->baseline = (struct census){ 0 };
	if (entries)
		*entries = usage.entries;
	return 0;
}

const struct addresses *lookout_local(const struct lookout *lookout)
{
	return &lookout->local;
}
