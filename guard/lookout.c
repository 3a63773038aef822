// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/lookout.h"

#include <errno.h>
#include <linux/netlink.h>
#include <math.h>
#include <stdlib.h>

#include "conntrack/table.h"
#include "guard/awaited.h"
#include "guard/census.h"
#include "guard/chores.h"
#include "guard/config.h"
#include "guard/inventory.h"
#include "guard/lease.h"
#include "guard/limit.h"
#include "guard/pretence.h"
#include "guard/pulse.h"
#include "guard/remains.h"
#include "guard/suspects.h"
#include "lib/clock.h"
#include "lib/nl.h"
#include "rules/midstream.h"

/* How often who is out in part is looked for in the table, to see what the rest brings. */
static const double WATCH_AGE_S = 1;

/* A count that falls to this part of it had expired entries that are collected now. */
static const double COLLECTED_PART = 0.95;

/* Nothing helps, or what is done already, and the count moves by less than this share of the limit: look again after */
static const double HELPLESS_MOVE = 0.01;
static const double HELPLESS_AGE_S = 0.25;

/* Nothing helps: how often it is asked whether that is for want of an address. */
static const double RECONSIDER_EVERY_S = 10;

/* A table is still that moves by no more than this part of the room that there is to the mark. */
static const double STILL_PART = 0.001;

/* How old a rehearsal's knowledge of what it pretends to have taken out may be. */
static const double PRETENCE_AGE_S = 0.2;

struct lookout {
	const struct config *config;
	const struct leases *leases;
	struct chores *chores;
	bool rehearse;
	bool raisable;
	struct limit_change change; /* of the limit, by a guard */
	struct nl *nl;
	struct pulse pulse; /* without pretence */
	struct suspects *suspects;
	struct inventory inventory;
	uint64_t helpless_ns; /* when nothing helped; 0: that is over */
	uint32_t helpless_entries;
	uint64_t reconsidered_ns; /* 0: never */
	bool idle; /* the last look left the table alone, and nothing is under way */
	uint32_t idle_entries; /* that it counted */
	char names[POLICY_SERVICES_MAX][SERVICE_TEXT_MAX];
	struct policy_view view;
};

int lookout_open(struct lookout **out, const struct config *config,
		 const struct leases *leases, struct chores *chores, bool rehearse)
{
	struct lookout *lookout = calloc(1, sizeof(*lookout));
	int err;

	if (!lookout)
		return -ENOMEM;
	lookout->config = config;
	lookout->leases = leases;
	lookout->chores = chores;
	lookout->rehearse = rehearse;
	lookout->raisable = limit_settable(LIMIT_PATH);
	lookout->view.count = config->count;
	for (size_t i = 0; i < config->count; i++) {
		service_format(&config->services[i].service, lookout->names[i]);
		lookout->view.services[i].name = lookout->names[i];
	}
	inventory_open(&lookout->inventory, config, leases, rehearse);
	err = nl_open(&lookout->nl, NETLINK_NETFILTER);
	if (!err)
		err = pulse_open(&lookout->pulse, lookout->nl);
	if (!err)
		err = suspects_open(&lookout->suspects, lookout->nl, config);
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
	suspects_close(lookout->suspects);
	pulse_close(&lookout->pulse);
	nl_close(lookout->nl);
	free(lookout);
}

static void fill_view(struct lookout *lookout, uint64_t now_ns,
		      const struct table_usage *usage)
{
	struct policy_view *view = &lookout->view;

	view->now_ns = now_ns;
	pulse_tell(&lookout->pulse, usage, view);
	view->leaving = chores_leaving(lookout->chores);
	view->deleting = chores_pending(lookout->chores, CHORE_RECLAIM);
	view->purging = chores_pending(lookout->chores, CHORE_PURGE);
	view->raisable = lookout->raisable;
	view->limit_before =
		usage->limit == lookout->change.raised ? lookout->change.before : 0;
	view->lower_after_s = lookout->config->release_after_s;
	view->attributed = false;
	inventory_take(&lookout->inventory, suspects_census(lookout->suspects), view);
}

static int find_out_who(struct lookout *lookout)
{
	return suspects_find(lookout->suspects, lookout->pulse.entries, &lookout->view);
}

/* What is known of the table without trouble, and on the way to the mark. */
static int keep_ready(struct lookout *lookout)
{
	int err = suspects_keep_baseline(lookout->suspects, lookout->pulse.entries,
					 &lookout->view);
	int unready;

	if (!err && !lookout->rehearse)
		err = suspects_keep_warm(lookout->suspects, lookout->pulse.entries,
					 &lookout->view);
	/* To close the socket of a sample may take milliseconds: not when the table fills. */
	unready = nl_ready(lookout->nl);
	return err ? err : unready;
}

/* Whether what is known already is enough to act. */
static bool recall(struct lookout *lookout, struct policy_decision *out)
{
	struct policy_view *view = &lookout->view;
	double unseen;

	return !lookout->rehearse &&
	       suspects_recall(lookout->suspects, lookout->pulse.entries, view,
			       &unseen) &&
	       policy_decide_by_memory(&lookout->config->policy, view, unseen, out);
}

/*
 * Nothing helps: because an address came since the last reading, so that the flows to it seem
 * to be somebody else's?
 */
static int reconsider(struct lookout *lookout, struct policy_decision *out)
{
	const struct policy_settings *settings = &lookout->config->policy;
	struct policy_view *view = &lookout->view;
	int unread, err;

	if (clock_is_within(lookout->reconsidered_ns, view->now_ns, RECONSIDER_EVERY_S))
		return 0;
	lookout->reconsidered_ns = view->now_ns;
	unread = suspects_read_local(lookout->suspects);
	err = find_out_who(lookout);
	policy_decide(settings, view, out);
	return err ? err : unread;
}

static int look(struct lookout *lookout)
{
	struct table_usage usage;
	uint64_t now_ns = clock_now_ns();
	int err = pulse_count(&lookout->pulse, &usage);

	if (err)
		return err;
	pulse_note(&lookout->pulse, now_ns, usage.entries);
	fill_view(lookout, now_ns, &usage);
	return 0;
}

/* A rehearsal pretends from a fresh census, as often as that is worth it. */
static int look_without(struct lookout *lookout)
{
	struct policy_view *view = &lookout->view;
	int err = 0;

	if (leases_count(lookout->leases) == 0)
		return 0;
	if (!clock_is_within(suspects_census(lookout->suspects)->sample.taken_ns,
			     view->now_ns, PRETENCE_AGE_S))
		err = find_out_who(lookout);
	view->attributed = false;
	inventory_take(&lookout->inventory, suspects_census(lookout->suspects), view);
	pretence_apply(view);
	return err;
}

int lookout_note_purge(struct lookout *lookout, uint32_t before, uint32_t *entries)
{
	struct table_usage usage;
	int err = pulse_count(&lookout->pulse, &usage);

	if (err)
		return err;
	*entries = usage.entries;
	if (usage.entries >= COLLECTED_PART * before)
		return 0;
	pulse_restart(&lookout->pulse, usage.entries);
	suspects_forget(lookout->suspects);
	return 0;
}

/* Whether the census has collected many: the next look then decides on what is left. */
static bool was_expired(struct lookout *lookout)
{
	uint32_t entries;

	return lookout->view.leaving <= 0 &&
	       lookout_note_purge(lookout, lookout->pulse.entries, &entries) == 0 &&
	       entries < COLLECTED_PART * lookout->pulse.entries;
}

/* What is tracked of a service that is out in part tells what the rest would bring. */
static int watch_slices(struct lookout *lookout)
{
	const struct policy_view *view = &lookout->view;
	bool sliced = false;

	for (size_t i = 0; i < view->count; i++)
		sliced = sliced || (view->services[i].percent > 0 &&
				    view->services[i].percent < POLICY_WHOLE);
	if (!sliced || lookout->rehearse ||
	    clock_is_within(suspects_census(lookout->suspects)->sample.taken_ns,
			    view->now_ns, WATCH_AGE_S))
		return 0;
	return find_out_who(lookout);
}

/* What may be asked for in the next looks, while there is time. */
static int keep_informed(struct lookout *lookout)
{
	int err = keep_ready(lookout);

	return err ? err : watch_slices(lookout);
}

/* Nothing has changed since: to ask again would only cost, with --realtime the thread that deletes its processor. */
static bool still_helpless(struct lookout *lookout)
{
	const struct policy_view *view = &lookout->view;
	double moved = fabs((double)view->entries - lookout->helpless_entries);

	return clock_is_within(lookout->helpless_ns, view->now_ns, HELPLESS_AGE_S) &&
	       moved < HELPLESS_MOVE * view->limit;
}

/* The policy wants to know who it is. */
static int attribute(struct lookout *lookout, struct policy_decision *out)
{
	struct policy_view *view = &lookout->view;
	int err;

	out->action = POLICY_REST;
	if (still_helpless(lookout) || recall(lookout, out))
		return 0;
	err = find_out_who(lookout);
	if (err || was_expired(lookout))
		return err;
	if (policy_should_wait(&lookout->config->policy, view)) {
		suspects_renew_baseline(lookout->suspects, view->now_ns);
		return 0;
	}
	policy_decide(&lookout->config->policy, view, out);
	if (out->action == POLICY_HELPLESS)
		err = reconsider(lookout, out);
	else if (out->action != POLICY_REST)
		return 0;
	lookout->helpless_ns = view->now_ns;
	lookout->helpless_entries = view->entries;
	return err;
}

/* Nothing goes on by itself that another look would have to see. */
static bool is_idle(const struct lookout *lookout)
{
	const struct policy_view *view = &lookout->view;

	return !lookout->rehearse && !leases_any(lookout->leases) && view->leaving <= 0 &&
	       !view->purging && !view->limit_before;
}

int lookout_decide(struct lookout *lookout, struct policy_decision *out)
{
	const struct policy_settings *settings = &lookout->config->policy;
	struct policy_view *view = &lookout->view;
	int err;

	*out = (struct policy_decision){ .action = POLICY_REST };
	err = look(lookout);
	if (!err && lookout->rehearse)
		err = look_without(lookout);
	if (err)
		return err;
	policy_note_calm(settings, view);
	policy_decide(settings, view, out);
	lookout->idle = out->action == POLICY_REST && is_idle(lookout);
	lookout->idle_entries = lookout->pulse.entries;
	if (out->action == POLICY_ATTRIBUTE)
		err = attribute(lookout, out);
	/* Not while it would have to wait. */
	else if (out->action == POLICY_REST && !chores_walking(lookout->chores))
		err = keep_informed(lookout);
	if (out->action == POLICY_PURGE)
		view->purged_ns = view->now_ns;
	remains_note(view, out);
	return err;
}

bool lookout_is_still(struct lookout *lookout, double within_s)
{
	struct policy_view *view = &lookout->view;
	double room = lookout->config->policy.engage_at * view->limit - view->entries;
	uint64_t now_ns = clock_now_ns();
	uint32_t entries;

	if (!lookout->idle || !clock_is_within(view->now_ns, now_ns, within_s) ||
	    pulse_glance(&lookout->pulse, &entries) ||
	    fabs((double)entries - lookout->idle_entries) > STILL_PART * room)
		return false;
	pulse_note(&lookout->pulse, now_ns, entries);
	view->entries = entries;
	return true;
}

int lookout_name_top(struct lookout *lookout, struct policy_decision *out)
{
	int err = suspects_find_top(lookout->suspects, &lookout->view);

	if (!err)
		policy_decide(&lookout->config->policy, &lookout->view, out);
	return err;
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
	int err = pulse_count(&lookout->pulse, &usage);

	if (err)
		return err;
	pulse_restart(&lookout->pulse, usage.entries);
	suspects_forget(lookout->suspects);
	if (entries)
		*entries = usage.entries;
	return 0;
}

void lookout_note_change(struct lookout *lookout, size_t i, unsigned percent)
{
	awaited_note(&lookout->view, i, percent);
}

void lookout_note_connections(struct lookout *lookout, size_t i, double connections)
{
	inventory_note_connections(&lookout->inventory, i, connections);
}

void lookout_note_midstream(struct lookout *lookout, size_t i, struct midstream midstream)
{
	inventory_note_midstream(&lookout->inventory, i, midstream);
}

void lookout_note_unsafe(struct lookout *lookout, size_t i, bool unsafe)
{
	lookout->view.services[i].unsafe = unsafe || lookout->config->services[i].leaving;
}

void lookout_note_limit(struct lookout *lookout, const struct limit_change *change)
{
	lookout->change = *change;
}
