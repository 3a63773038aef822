// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/status.h"

#include <ctype.h>
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
#include "lib/text.h"

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

/* Text from the other side: nothing that a terminal would obey. */
static void add_clean(struct text *text, const char *string)
{
	for (; string && *string; string++)
		text_add(text, "%c", iscntrl((unsigned char)*string) ? '?' : *string);
}

static double number(const json_t *object, const char *name)
{
	return json_number_value(json_object_get(object, name));
}

static const char *string(const json_t *object, const char *name)
{
	const char *value = json_string_value(json_object_get(object, name));

	return value ? value : "?";
}

static void marks_text(const json_t *object, struct text *text)
{
	text_add(text,
		 "marks      engage at %g %% or %gs before full, release at %g %%, lease "
		 "%gs\n",
		 100 * number(object, "engage_at"), number(object, "horizon_seconds"),
		 100 * number(object, "release_at"), number(object, "lease_seconds"));
}

static void entries_text(const json_t *table, struct text *text)
{
	double entries = number(table, "entries"), limit = number(table, "limit");
	const json_t *full = json_object_get(table, "full_in_seconds");

	text_add(text, "table      %.0f of %.0f entries (%.1f %%), %+.0f/s, ", entries,
		 limit, limit > 0 ? 100 * entries / limit : 0,
		 number(table, "entries_per_second"));
	if (json_is_number(full))
		text_add(text, "full in %.1f s\n", json_number_value(full));
	else
		text_add(text, "not filling\n");
	if (json_is_integer(json_object_get(table, "limit_before")))
		text_add(text,
			 "           the guard raised the limit from %.0f: only a guard "
			 "sets "
			 "it back\n",
			 number(table, "limit_before"));
}

/* A service that may not go must not look as if it were guarded. */
static void verdict_text(const json_t *service, struct text *text)
{
	const char *verdict = string(service, "verdict");
	const char *why = string(service, "verdict_why");

	if (strcmp(verdict, "pending") == 0)
		text_add(text, "  NOT AUDITED YET");
	else if (strcmp(verdict, "unsafe") == 0)
		text_add(text, "  MAY NOT GO, it is unsafe: ");
	else if (strcmp(verdict, "unknown") == 0)
		text_add(text, "  MAY NOT GO, whether it is safe is not known: ");
	else
		return;
	if (strcmp(verdict, "pending") != 0)
		add_clean(text, why);
}

static void service_text(const json_t *service, struct text *text)
{
	const json_t *rate = json_object_get(service, "untracked_packets_per_second");
	const json_t *budget = json_object_get(service, "budget_packets_per_second");
	const json_t *calm = json_object_get(service, "calm_seconds");

	text_add(text, "           ");
	add_clean(text, string(service, "service"));
	if (json_is_number(budget))
		text_add(text, "  tracked up to %.0f packets/s",
			 json_number_value(budget));
	else if (!json_is_true(json_object_get(service, "untracked")))
		text_add(text, "  tracked");
	if (json_is_true(json_object_get(service, "registered")))
		text_add(text, "%s",
			 json_is_true(json_object_get(service, "leaving"))
				 ? "  (registered, its program has ended)"
				 : "  (registered)");
	if (!json_is_true(json_object_get(service, "untracked"))) {
		verdict_text(service, text);
		text_add(text, "\n");
		return;
	}
	text_add(text, "  UNTRACKED for %.0f s", number(service, "untracked_seconds"));
	if (number(service, "untracked_percent") < POLICY_WHOLE)
		text_add(text, ", %.0f %% of it", number(service, "untracked_percent"));
	if (json_is_true(json_object_get(service, "held")))
		text_add(text, ", by a rule of somebody else's");
	if (json_is_number(rate))
		text_add(text, ", %.0f packets/s", json_number_value(rate));
	if (json_is_number(calm))
		text_add(text, ", calm for %.0f of %g s", json_number_value(calm),
			 number(service, "release_after_seconds"));
	text_add(text, "\n");
}

static void program_text(const json_t *program, struct text *text)
{
	const json_t *services = json_object_get(program, "services");
	const json_t *row;
	size_t i;

	text_add(text, "           ");
	add_clean(text, string(program, "program"));
	text_add(text, ", pid %.0f, uid %.0f, for %.0f s:", number(program, "pid"),
		 number(program, "uid"), number(program, "seconds"));
	json_array_foreach(services, i, row) {
		text_add(text, " ");
		add_clean(text, json_string_value(row));
	}
	if (number(program, "sends_eperm") > 0)
		text_add(text, "; %.0f sends were not permitted",
			 number(program, "sends_eperm"));
	text_add(text, "\n");
}

static void event_text(const json_t *event, struct text *text)
{
	text_add(text, "           ");
	add_clean(text, string(event, "time"));
	text_add(text, "  ");
	if (json_is_string(json_object_get(event, "netns"))) {
		add_clean(text, string(event, "netns"));
		text_add(text, ": ");
	}
	add_clean(text, string(event, "event"));
	if (json_is_string(json_object_get(event, "service"))) {
		text_add(text, " ");
		add_clean(text, string(event, "service"));
	}
	if (json_is_string(json_object_get(event, "why"))) {
		text_add(text, ": ");
		add_clean(text, string(event, "why"));
	}
	text_add(text, "\n");
}

static void services_text(const json_t *table, struct text *text)
{
	const json_t *services = json_object_get(table, "services");
	const json_t *row;
	size_t i;

	text_add(text, "services\n");
	json_array_foreach(services, i, row) {
		service_text(row, text);
	}
}

static void table_text(const json_t *table, struct text *text)
{
	text_add(text, "netns      ");
	add_clean(text, string(table, "netns"));
	text_add(text, ": ");
	add_clean(text, string(table, "state"));
	text_add(text, "\n");
	entries_text(table, text);
	services_text(table, text);
}

void status_text(const json_t *object, struct text *text)
{
	const json_t *programs = json_object_get(object, "registered");
	const json_t *events = json_object_get(object, "events");
	const json_t *tables = json_object_get(object, "tables");
	const json_t *row;
	size_t i;

	text_add(text, "state      ");
	add_clean(text, string(object, "state"));
	text_add(text, "%s, pid %.0f, for %.0f s\n",
		 json_is_true(json_object_get(object, "dry_run")) ? " (dry run)" : "",
		 number(object, "pid"), number(object, "uptime_seconds"));
	if (!tables)
		entries_text(object, text);
	marks_text(object, text);
	if (!tables)
		services_text(object, text);
	json_array_foreach(tables, i, row) {
		table_text(row, text);
	}
	if (json_array_size(programs) > 0)
		text_add(text, "registered by\n");
	json_array_foreach(programs, i, row) {
		program_text(row, text);
	}
	text_add(text, "last events\n");
	json_array_foreach(events, i, row) {
		event_text(row, text);
	}
}

bool status_is_helpless(const json_t *object)
{
	return strcmp(string(object, "state"), STATES[STATUS_HELPLESS]) == 0;
}
