// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/incidents.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "lib/text.h"

static const char *member(const json_t *event, const char *name)
{
	const char *value = json_string_value(json_object_get(event, name));

	return value ? value : "";
}

static bool is(const json_t *event, const char *name)
{
	return strcmp(member(event, "event"), name) == 0;
}

static bool begins(const json_t *event)
{
	return is(event, "engage") || is(event, "helpless");
}

/* Whether it tells that all of a service is tracked again. */
static bool is_back(const json_t *event)
{
	if (is(event, "release"))
		return json_integer_value(json_object_get(event, "percent")) == 0;
	return is(event, "lost") || is(event, "withdraw");
}

/* An incident that is being put together, and the services that are out in it. */
struct open_incident {
	json_t *object; /* NULL: none is open */
	json_t *out;    /* an object whose keys are services */
};

static void begin(struct open_incident *open, json_t *list, const json_t *event)
{
	open->object = json_object();
	open->out = json_object();
	json_object_set_new(open->object, "number",
			    json_integer((json_int_t)json_array_size(list) + 1));
	json_object_set_new(open->object, "from", json_string(member(event, "time")));
	json_object_set_new(open->object, "to", json_null());
	json_object_set_new(open->object, "why", json_string(member(event, "why")));
	json_object_set_new(open->object, "helpless", json_false());
	json_object_set_new(open->object, "entries_max", json_integer(0));
	json_object_set_new(open->object, "limit", json_integer(0));
	json_object_set_new(open->object, "services", json_array());
	json_object_set_new(open->object, "events", json_array());
	json_array_append(list, open->object);
}

static void end(struct open_incident *open, const json_t *event)
{
	json_object_set_new(open->object, "to", json_string(member(event, "time")));
	json_decref(open->object);
	json_decref(open->out);
	*open = (struct open_incident){ 0 };
}

static bool names(const json_t *list, const char *service)
{
	const json_t *row;
	size_t i;

	json_array_foreach(list, i, row) {
		if (strcmp(json_string_value(row), service) == 0)
			return true;
	}
	return false;
}

static void note_service(struct open_incident *open, const json_t *event)
{
	json_t *services = json_object_get(open->object, "services");
	const char *service = member(event, "service");

	if (is(event, "helpless"))
		json_object_set_new(open->object, "helpless", json_true());
	if (!service[0] || json_object_get(event, "error"))
		return;
	if (is(event, "engage")) {
		json_object_set_new(open->out, service, json_true());
		if (!names(services, service))
			json_array_append_new(services, json_string(service));
	} else if (is_back(event)) {
		json_object_del(open->out, service);
	}
}

static void note_entries(struct open_incident *open, const json_t *event)
{
	json_t *entries = json_object_get(event, "entries");
	json_t *most = json_object_get(open->object, "entries_max");

	if (!json_is_integer(entries))
		return;
	if (json_integer_value(entries) > json_integer_value(most))
		json_object_set(open->object, "entries_max", entries);
	if (json_is_integer(json_object_get(event, "limit")))
		json_object_set(open->object, "limit", json_object_get(event, "limit"));
}

/* A start while one is open: the guard before ended without a word. */
static bool ends(const struct open_incident *open, const json_t *event)
{
	if (is(event, "stop") || is(event, "start"))
		return true;
	return json_object_size(open->out) == 0 &&
	       (is_back(event) || is(event, "relieved"));
}

static void take(struct open_incident *open, json_t *list, json_t *event)
{
	if (!open->object && !begins(event))
		return;
	if (!open->object)
		begin(open, list, event);
	json_array_append(json_object_get(open->object, "events"), event);
	note_service(open, event);
	note_entries(open, event);
	if (ends(open, event))
		end(open, event);
}

json_t *incidents_find(const json_t *events)
{
	struct open_incident open = { 0 };
	json_t *list = json_array();
	json_t *event;
	size_t i;

	json_array_foreach(events, i, event) {
		take(&open, list, event);
	}
	json_decref(open.object);
	json_decref(open.out);
	return list;
}

/* Text from a file: nothing that a terminal would obey. */
static void add_clean(struct text *text, const char *string)
{
	for (; *string; string++)
		text_add(text, "%c", iscntrl((unsigned char)*string) ? '?' : *string);
}

static void add_services(const json_t *incident, struct text *text)
{
	const json_t *services = json_object_get(incident, "services");
	const json_t *row;
	size_t i;

	json_array_foreach(services, i, row) {
		text_add(text, "%s", i ? ", " : "");
		add_clean(text, json_string_value(row) ? json_string_value(row) : "?");
	}
	if (json_array_size(services) == 0)
		text_add(text, "nothing could be taken out");
}

static void add_line(const json_t *incident, struct text *text)
{
	const char *to = member(incident, "to");

	text_add(text, "%3lld  ",
		 (long long)json_integer_value(json_object_get(incident, "number")));
	add_clean(text, member(incident, "from"));
	text_add(text, " .. ");
	add_clean(text, to[0] ? to : "goes on");
	text_add(text, "  %lld of %lld entries  ",
		 (long long)json_integer_value(json_object_get(incident, "entries_max")),
		 (long long)json_integer_value(json_object_get(incident, "limit")));
	add_services(incident, text);
	text_add(text, "\n");
}

void incidents_list(const json_t *incidents, struct text *text)
{
	const json_t *incident;
	size_t i;

	json_array_foreach(incidents, i, incident) {
		add_line(incident, text);
	}
	if (json_array_size(incidents) == 0)
		text_add(text, "no incidents\n");
}

void incidents_show(const json_t *incident, struct text *text)
{
	const json_t *events = json_object_get(incident, "events");
	const json_t *event;
	size_t i;

	add_line(incident, text);
	json_array_foreach(events, i, event) {
		text_add(text, "     ");
		add_clean(text, member(event, "time"));
		text_add(text, "  ");
		add_clean(text, member(event, "event"));
		if (member(event, "service")[0]) {
			text_add(text, " ");
			add_clean(text, member(event, "service"));
		}
		text_add(text, ": ");
		if (is(event, "reclaim") || is(event, "purged"))
			text_add(text, "%lld entries before, %lld after",
				 (long long)json_integer_value(
					 json_object_get(event, "entries_before")),
				 (long long)json_integer_value(
					 json_object_get(event, "entries_after")));
		else
			add_clean(text, member(event, "why"));
		text_add(text, "\n");
	}
}
