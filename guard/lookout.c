// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/lookout.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>

#include "conntrack/addresses.h"
#include "conntrack/forecast.h"
#include "conntrack/routes.h"
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

struct lookout {
	const struct config *config;
	const struct leases *leases;
	struct nl *nl;
	struct nl *route;
	struct forecast forecast;
	struct census baseline;
	struct census census;
	struct census_top top;
	uint64_t top_ns; /* when it was found; 0: never */
	char names[POLICY_SERVICES_MAX][SERVICE_TEXT_MAX];
	struct policy_view view;
	struct addresses local;
};

int lookout_open(struct lookout **out, const struct config *config,
		 const struct leases *leases)
{
	struct lookout *lookout = calloc(1, sizeof(*lookout));
	int err;

	if (!lookout)
		return -ENOMEM;
	lookout->config = config;
	lookout->leases = leases;
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
	for (size_t i = 0; i < view->count; i++) {
		struct policy_service *service = &view->services[i];

		service->engaged = leases_engaged(lookout->leases, i);
		service->engaged_since_ns = leases_since_ns(lookout->leases, i);
		service->release_after_s = lookout->config->services[i].release_after_s;
		service->returning =
			leases_packets_per_s(lookout->leases, i) * ENTRY_LIFETIME_S;
	}
}

/* Keeps a census of the table at rest: what has come since is who makes it grow. */
static int keep_baseline(struct lookout *lookout)
{
	const struct policy_view *view = &lookout->view;
	int unread, err;

	if (view->full_in_s < REST_HORIZONS * lookout->config->policy.horizon_s)
		return 0;
	if (lookout->baseline.taken_ns &&
	    clock_between_s(lookout->baseline.taken_ns, view->now_ns) < BASELINE_AGE_S)
		return 0;
	unread = lookout_read_local(lookout);
	err = census_take(lookout->nl, lookout->config, &lookout->local, view->now_ns,
			  view->entries, &lookout->baseline);
	return err ? err : unread;
}

static int find_out_who(struct lookout *lookout)
{
	struct policy_view *view = &lookout->view;
	int err = census_take(lookout->nl, lookout->config, &lookout->local, view->now_ns,
			      view->entries, &lookout->census);

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

	if (lookout->top_ns && clock_between_s(lookout->top_ns, view->now_ns) < TOP_AGE_S)
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

int lookout_decide(struct lookout *lookout, struct policy_decision *out)
{
	const struct policy_settings *settings = &lookout->config->policy;
	struct policy_view *view = &lookout->view;
	uint64_t now_ns = clock_now_ns();
	struct table_usage usage;
	int err = table_usage_get(lookout->nl, &usage);

	*out = (struct policy_decision){ .action = POLICY_REST };
	if (err)
		return err;
	/* -EINVAL: the clock stood still since the last look, which then still holds. */
	forecast_add(&lookout->forecast, now_ns, usage.entries);
	fill_view(lookout, now_ns, &usage);
	policy_note_calm(settings, view);
	policy_decide(settings, view, out);
	if (out->action == POLICY_REST)
		return keep_baseline(lookout);
	if (out->action != POLICY_ATTRIBUTE)
		return 0;
	err = find_out_who(lookout);
	if (err) {
		*out = (struct policy_decision){ .action = POLICY_REST };
		return err;
	}
	policy_decide(settings, view, out);
	return out->action == POLICY_HELPLESS ? reconsider(lookout, out) : 0;
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
