// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/orders.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "guard/awaited.h"
#include "guard/config.h"
#include "guard/giveback.h"
#include "guard/journal.h"
#include "guard/lease.h"
#include "guard/lookout.h"
#include "guard/policy.h"
#include "guard/remedy.h"
#include "guard/trouble.h"
#include "guard/vetting.h"
#include "lib/args.h"
#include "lib/metainfo.h"
#include "lib/service.h"
#include "lib/text.h"

enum { WHY_BYTES = 1000, VICTIMS_BYTES = 80 };

static json_t *done(const char *text)
{
	json_t *object = metainfo_object("ctguard");

	json_object_set_new(object, "ok", json_true());
	json_object_set_new(object, "done", json_string(text));
	return object;
}

static json_t *refused(const char *error)
{
	return json_pack("{s:b, s:s}", "ok", 0, "error", error);
}

static json_t *pause_guard(struct orders *orders, const json_t *request)
{
	if (orders->remedy->paused)
		return done("was paused already");
	orders->remedy->paused = true;
	journal_note(orders->journal, "pause",
		     "paused by order: what is out stays out, nothing more is decided");
	return done("paused: what is out of tracking stays out, nothing more is decided");
}

/* Budgets went with the table whose deletion made the guard stand down. */
static json_t *resume_guard(struct orders *orders, const json_t *request)
{
	struct apply_why why;
	int err;

	if (!orders->remedy->paused && !orders->remedy->standing_down)
		return done("was not paused");
	orders->remedy->paused = orders->remedy->standing_down = false;
	journal_note(orders->journal, "resume", "resumed by order");
	err = leases_arm(orders->leases, &why);
	if (err)
		trouble_note(orders->remedy->trouble, "arm a budget", err);
	return done("resumed");
}

/* Number of the configured service that text names; count if there is none. */
static size_t find_service(const struct orders *orders, const char *text,
			   struct args_why *why)
{
	const struct config *config = orders->config;
	struct service service;

	if (service_parse(text, &service, why))
		return config->count;
	for (size_t i = 0; i < config->count; i++) {
		if (service_equal(&service, &config->services[i].service))
			return i;
	}
	snprintf(why->text, sizeof(why->text),
		 "\"%.80s\" is not a service that this guard may take out", text);
	return config->count;
}

/* The connections that are cut off if the service is given back now, for a sentence. */
static void name_victims(const struct policy_service *service, char text[VICTIMS_BYTES])
{
	double open = service->connections;

	if (!isfinite(open))
		snprintf(text, VICTIMS_BYTES, "open connections, nobody knows how many,");
	else
		snprintf(text, VICTIMS_BYTES, "%.0f open connection%s", open,
			 open > 1 ? "s" : "");
}

/* An order is carried out even if what comes back does not fit, but not without a word. */
static void say_what_follows(const struct orders *orders,
			     const struct policy_service *service, char text[WHY_BYTES])
{
	const struct policy_view *view = lookout_view(orders->lookout);
	const struct policy_settings *settings = &orders->config->policy;
	double there = awaited_entries(view);

	if (isfinite(service->returning) &&
	    there + service->returning > policy_calm_level(settings, view))
		snprintf(text, WHY_BYTES,
			 "given back; about %.0f entries come back to %.0f, which does "
			 "not "
			 "fit under %.0f %% of %u: it may be taken out again soon",
			 service->returning, there, 100 * settings->release_at,
			 view->limit);
	else
		snprintf(text, WHY_BYTES,
			 "given back; if the table fills again it is taken out again");
}

/* Its own change is no reason to audit the ruleset anew: the flood may be back in a moment. */
static int withdraw(struct orders *orders, size_t i, const char *cause,
		    struct apply_why *why)
{
	bool current = vetting_is_current(orders->vetting);
	int err = remedy_give_back(orders->remedy, i, cause, why);

	vetting_keep(orders->vetting, current);
	return err;
}

/* Gives back what is out, though that cuts connections off only if that is wanted now. */
static json_t *give_back(struct orders *orders, size_t i, bool now)
{
	const struct policy_service *service =
		&lookout_view(orders->lookout)->services[i];
	char victims[VICTIMS_BYTES], text[WHY_BYTES];
	struct apply_why why;

	if (giveback_cuts_nothing(service)) {
		/* Before: once it is given back, what it brings is awaited already. */
		say_what_follows(orders, service, text);
		if (withdraw(orders, i, "by order", &why))
			return refused(why.text);
		return done(text);
	}
	name_victims(service, victims);
	if (!now) {
		snprintf(text, sizeof(text),
			 "%s would be cut off, which cannot be tracked again: it comes "
			 "back when they are gone, or by release --now",
			 victims);
		return refused(text);
	}
	snprintf(text, sizeof(text), "by order; %s cannot be tracked again", victims);
	if (withdraw(orders, i, text, &why))
		return refused(why.text);
	snprintf(text, sizeof(text), "given back; %s cannot be tracked again", victims);
	return done(text);
}

static json_t *release(struct orders *orders, const json_t *request)
{
	const char *text = json_string_value(json_object_get(request, "service"));
	struct args_why reason;
	size_t i;

	if (!text)
		return refused("release: which service?");
	i = find_service(orders, text, &reason);
	if (i == orders->config->count)
		return refused(reason.text);
	if (!leases_engaged(orders->leases, i))
		return refused("it is not out of tracking");
	if (leases_held(orders->leases, i))
		return refused("a rule that is not the guard's keeps it out: ctrules "
			       "delete takes that away");
	return give_back(orders, i, json_is_true(json_object_get(request, "now")));
}

static const struct {
	const char *name;
	json_t *(*run)(struct orders *orders, const json_t *request);
} COMMANDS[] = {
	{ "pause", pause_guard },
	{ "resume", resume_guard },
	{ "release", release },
};

json_t *orders_answer(struct orders *orders, const json_t *request)
{
	const char *name = json_string_value(json_object_get(request, "command"));

	for (size_t i = 0; name && i < sizeof(COMMANDS) / sizeof(COMMANDS[0]); i++) {
		if (strcmp(COMMANDS[i].name, name) == 0)
			return COMMANDS[i].run(orders, request);
	}
	return refused("unknown command");
}
