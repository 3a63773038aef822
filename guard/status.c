// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/status.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "guard/config.h"
#include "guard/journal.h"
#include "guard/lease.h"
#include "guard/policy.h"
#include "guard/roll.h"
#include "guard/vetting.h"
#include "lib/clock.h"
#include "lib/metainfo.h"

static const char *const STATES[] = {
	[STATUS_WATCHING] = "watching", [STATUS_ENGAGED] = "engaged",
	[STATUS_PAUSED] = "paused",     [STATUS_STANDING_DOWN] = "standing down",
	[STATUS_HELPLESS] = "helpless",
};

enum status_state status_state(const struct status *status)
{
	enum status_state state = STATUS_WATCHING;

	for (size_t i = 0; i < status->count; i++) {
		if (status->tables[i].state > state)
			state = status->tables[i].state;
	}
	return state;
}

const char *status_state_name(enum status_state state)
{
	return STATES[state];
}

/* JSON has no infinity. */
static json_t *number_or_null(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

/* Somebody else's is not what is configured. */
static uint32_t budget_of(const struct config *config, const struct leases *leases,
			  size_t i)
{
	return leases_held(leases, i) ? leases_extent(leases, i).packets_per_s
				      : config->services[i].budget_per_s;
}

static const char *verdict_name(const struct status_table *table, size_t i)
{
	static const char *const NAMES[] = {
		[VETTING_SAFE] = "safe",       [VETTING_UNSAFE] = "unsafe",
		[VETTING_UNKNOWN] = "unknown", [VETTING_FORCED] = "forced",
		[VETTING_PENDING] = "pending",
	};

	return NAMES[vetting_verdict(table->vetting, i)];
}

/* Until they are refreshed, as they are long before they end while the guard lives. */
static json_t *lease_left(const struct status_table *table, size_t i)
{
	double passed_s =
		clock_between_s(leases_refreshed_ns(table->leases), clock_now_ns());

	if (!leases_engaged(table->leases, i) || leases_held(table->leases, i))
		return json_null();
	return json_real(fmax(0, table->config->lease_s - passed_s));
}

static json_t *service_json(const struct status_table *table, size_t i)
{
	const struct config *config = table->config;
	const struct policy_view *view = table->view;
	const struct policy_service *service = &view->services[i];
	/* What is not out has no time, no rate and no return: null, and not 0. */
	bool engaged = leases_engaged(table->leases, i);
	json_t *object = json_object();

	json_object_set_new(object, "service", json_string(service->name));
	json_object_set_new(object, "untracked", json_boolean(engaged));
	json_object_set_new(object, "untracked_percent",
			    json_integer(leases_percent(table->leases, i)));
	json_object_set_new(object, "budget_packets_per_second",
			    leases_bounded(table->leases, i)
				    ? json_integer(budget_of(config, table->leases, i))
				    : json_null());
	json_object_set_new(object, "held", json_boolean(leases_held(table->leases, i)));
	json_object_set_new(
		object, "untracked_seconds",
		engaged ? json_real(clock_between_s(leases_since_ns(table->leases, i),
						    clock_now_ns()))
			: json_null());
	json_object_set_new(
		object, "untracked_packets_per_second",
		engaged ? number_or_null(leases_packets_per_s(table->leases, i))
			: json_null());
	json_object_set_new(object, "returning_entries",
			    engaged ? number_or_null(service->returning) : json_null());
	json_object_set_new(object, "connections",
			    engaged ? number_or_null(service->connections) : json_null());
	json_object_set_new(object, "cuts_connections", json_boolean(service->fragile));
	json_object_set_new(
		object, "calm_seconds",
		service->calm_since_ns
			? json_real(clock_between_s(service->calm_since_ns, view->now_ns))
			: json_null());
	json_object_set_new(object, "release_after_seconds",
			    json_real(config_release_after_s(config, i)));
	json_object_set_new(object, "lease_seconds_left", lease_left(table, i));
	json_object_set_new(object, "verdict", json_string(verdict_name(table, i)));
	json_object_set_new(object, "verdict_why",
			    json_string(vetting_why(table->vetting, i)));
	json_object_set_new(object, "registered",
			    json_boolean(config->services[i].registered));
	json_object_set_new(object, "leaving", json_boolean(config->services[i].leaving));
	return object;
}

static json_t *services_json(const struct status_table *table)
{
	json_t *list = json_array();

	for (size_t i = 0; i < table->view->count; i++)
		json_array_append_new(list, service_json(table, i));
	return list;
}

static void add_table(const struct status_table *table, json_t *object)
{
	const struct policy_view *view = table->view;

	json_object_set_new(object, "state", json_string(STATES[table->state]));
	json_object_set_new(object, "entries", json_integer(view->entries));
	json_object_set_new(object, "limit", json_integer(view->limit));
	json_object_set_new(object, "limit_before",
			    view->limit_before ? json_integer(view->limit_before)
					       : json_null());
	json_object_set_new(object, "entries_per_second", number_or_null(view->slope));
	json_object_set_new(object, "full_in_seconds", number_or_null(view->full_in_s));
	json_object_set_new(object, "errors", json_integer((json_int_t)table->errors));
	json_object_set_new(object, "services", services_json(table));
}

/* One without a name is the guard's all; others are listed. */
static void add_tables(const struct status *status, json_t *object)
{
	json_t *list;

	if (status->count == 1 && !status->tables[0].netns) {
		add_table(&status->tables[0], object);
		return;
	}
	list = json_array();
	for (size_t i = 0; i < status->count; i++) {
		json_t *table = json_object();

		json_object_set_new(table, "netns", json_string(status->tables[i].netns));
		add_table(&status->tables[i], table);
		json_array_append_new(list, table);
	}
	json_object_set_new(object, "state", json_string(STATES[status_state(status)]));
	json_object_set_new(object, "tables", list);
}

json_t *status_json(const struct status *status)
{
	const struct policy_settings *policy = &status->config->policy;
	json_t *object = metainfo_object("ctguard");

	json_object_set_new(object, "ok", json_true());
	json_object_set_new(object, "dry_run", json_boolean(status->rehearse));
	json_object_set_new(object, "pid", json_integer(getpid()));
	json_object_set_new(
		object, "uptime_seconds",
		json_real(clock_between_s(status->started_ns, clock_now_ns())));
	json_object_set_new(object, "engage_at", json_real(policy->engage_at));
	json_object_set_new(object, "release_at", json_real(policy->release_at));
	json_object_set_new(object, "horizon_seconds", json_real(policy->horizon_s));
	json_object_set_new(object, "lease_seconds", json_real(status->config->lease_s));
	json_object_set_new(object, "events_lost",
			    json_integer((json_int_t)status->journal->lost));
	json_object_set_new(object, "events_unkept",
			    json_integer((json_int_t)status->journal->unkept));
	add_tables(status, object);
	json_object_set_new(object, "registered", roll_json(status->roll));
	json_object_set_new(object, "events", journal_recent(status->journal));
	return object;
}
