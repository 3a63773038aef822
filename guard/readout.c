// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/readout.h"

#include <stddef.h>
#include <string.h>

#include "guard/policy.h"
#include "guard/status.h"
#include "lib/text.h"

/* jansson gives 0, NULL or false for what is missing or of another kind, so nothing is checked. */
static double number(const json_t *object, const char *name)
{
	return json_number_value(json_object_get(object, name));
}

/* "?" where there is none: people read it. */
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
		text_add_clean(text, why);
}

/* What would come back, and what it waits for. */
static void return_text(const json_t *service, struct text *text)
{
	const json_t *returning = json_object_get(service, "returning_entries");
	const json_t *calm = json_object_get(service, "calm_seconds");
	double connections = number(service, "connections");

	if (json_is_true(json_object_get(service, "held")))
		return;
	if (json_is_number(returning))
		text_add(text, ", %.0f entries would return",
			 json_number_value(returning));
	if (json_is_number(calm))
		text_add(text, ", calm for %.0f of %g s", json_number_value(calm),
			 number(service, "release_after_seconds"));
	else if (json_is_true(json_object_get(service, "cuts_connections")) &&
		 connections > 0)
		text_add(text,
			 ", out until %.0f open connections are gone, or release --now",
			 connections);
	else if (json_is_number(returning))
		text_add(text, ", which does not fit yet");
}

static void service_text(const json_t *service, struct text *text)
{
	const json_t *rate = json_object_get(service, "untracked_packets_per_second");
	const json_t *budget = json_object_get(service, "budget_packets_per_second");

	text_add(text, "           ");
	text_add_clean(text, string(service, "service"));
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
	return_text(service, text);
	text_add(text, "\n");
}

static void program_text(const json_t *program, struct text *text)
{
	const json_t *services = json_object_get(program, "services");
	const json_t *row;
	size_t i;

	text_add(text, "           ");
	text_add_clean(text, string(program, "program"));
	text_add(text, ", pid %.0f, uid %.0f, for %.0f s:", number(program, "pid"),
		 number(program, "uid"), number(program, "seconds"));
	json_array_foreach(services, i, row) {
		text_add(text, " ");
		text_add_clean(text, json_string_value(row));
	}
	if (number(program, "sends_eperm") > 0)
		text_add(text, "; %.0f sends were not permitted",
			 number(program, "sends_eperm"));
	text_add(text, "\n");
}

/* How much of a service is out from then on, or what a step brought. */
static void effect_text(const json_t *event, struct text *text)
{
	const char *name = string(event, "event");

	if (number(event, "percent") > 0)
		text_add(text, ", %.0f %% of it %s", number(event, "percent"),
			 strcmp(name, "release") == 0 ? "stay out" : "out");
	if (!json_is_number(json_object_get(event, "entries_after")))
		return;
	text_add(text, ": ");
	if (json_is_number(json_object_get(event, "entries_deleted")))
		text_add(text, "%.0f entries deleted, ",
			 number(event, "entries_deleted"));
	text_add(text, "%.0f entries before, %.0f after", number(event, "entries_before"),
		 number(event, "entries_after"));
}

static void event_text(const json_t *event, struct text *text)
{
	text_add(text, "           ");
	text_add_clean(text, string(event, "time"));
	text_add(text, "  ");
	if (json_is_string(json_object_get(event, "netns"))) {
		text_add_clean(text, string(event, "netns"));
		text_add(text, ": ");
	}
	text_add_clean(text, string(event, "event"));
	if (json_is_string(json_object_get(event, "service"))) {
		text_add(text, " ");
		text_add_clean(text, string(event, "service"));
	}
	effect_text(event, text);
	if (json_is_string(json_object_get(event, "why"))) {
		text_add(text, ": ");
		text_add_clean(text, string(event, "why"));
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
	text_add_clean(text, string(table, "netns"));
	text_add(text, ": ");
	text_add_clean(text, string(table, "state"));
	text_add(text, "\n");
	entries_text(table, text);
	services_text(table, text);
}

void readout_text(const json_t *object, struct text *text)
{
	const json_t *programs = json_object_get(object, "registered");
	const json_t *events = json_object_get(object, "events");
	const json_t *tables = json_object_get(object, "tables");
	const json_t *row;
	size_t i;

	text_add(text, "state      ");
	text_add_clean(text, string(object, "state"));
	text_add(text, "%s, pid %.0f, for %.0f s\n",
		 json_is_true(json_object_get(object, "dry_run")) ? " (dry run)" : "",
		 number(object, "pid"), number(object, "uptime_seconds"));
	/*
	 * A single namespace without a name is told as the guard itself (status.c,
	 * add_tables()).
	 */
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

bool readout_is_helpless(const json_t *object)
{
	return strcmp(string(object, "state"), status_state_name(STATUS_HELPLESS)) == 0;
}
