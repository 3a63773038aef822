// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/incidents.h"

#include <stdbool.h>
#include <string.h>

#include "lib/text.h"

/* "" where there is none, or it is no text. */
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

/* Whether it tells that a service is out without a decision: an earlier guard's was, or a flush took it. */
static bool is_out_again(const json_t *event)
{
	return (is(event, "adopt") || is(event, "restore")) &&
	       json_integer_value(json_object_get(event, "percent")) > 0;
}

/* Whether it tells that all of a service is tracked again. */
static bool is_back(const json_t *event)
{
	/* Without "percent", as by order, all of it came back. */
	if (is(event, "release"))
		return json_integer_value(json_object_get(event, "percent")) == 0;
	/* "lower" names no service: it ends an incident in which none is out. */
	return is(event, "lost") || is(event, "withdraw") || is(event, "lower");
}

/*
 * An incident that is being put together: its object as "incident", and as "out" an object whose keys
 * are the services that are out in it. A network namespace has one at a time; borrowed.
 */
struct open_incident {
	json_t *object;
	json_t *out;
};

/* All incidents, and of each network namespace the one that goes on, or the last that ended. */
struct ledger {
	json_t *list;
	json_t *open;
	json_t *past;
};

/* The one of the event's network namespace; of NULLs if there is none. */
static struct open_incident find(const json_t *ones, const json_t *event)
{
	const json_t *one = json_object_get(ones, member(event, "netns"));

	return (struct open_incident){ json_object_get(one, "incident"),
				       json_object_get(one, "out") };
}

static void begin(struct ledger *ledger, const json_t *event)
{
	const char *netns = member(event, "netns");
	json_t *object = json_object();

	json_object_set_new(object, "number",
			    json_integer((json_int_t)json_array_size(ledger->list) + 1));
	if (netns[0])
		json_object_set_new(object, "netns", json_string(netns));
	json_object_set_new(object, "from", json_string(member(event, "time")));
	json_object_set_new(object, "to", json_null());
	json_object_set_new(object, "why", json_string(member(event, "why")));
	json_object_set_new(object, "helpless", json_false());
	json_object_set_new(
		object, "dry_run",
		json_boolean(json_is_true(json_object_get(event, "dry_run"))));
	json_object_set_new(object, "entries_max", json_integer(0));
	json_object_set_new(object, "limit", json_integer(0));
	json_object_set_new(object, "services", json_array());
	json_object_set_new(object, "events", json_array());
	json_array_append(ledger->list, object);
	/* The list has a reference of its own; the one from above goes with "o". */
	json_object_set_new(ledger->open, netns,
			    json_pack("{s:o, s:{}}", "incident", object, "out"));
}

/* It is the last one from then on, unless its network namespace is gone. */
static void end(struct ledger *ledger, const char *netns, const json_t *event)
{
	json_t *one = json_object_get(ledger->open, netns);

	json_object_set_new(json_object_get(one, "incident"), "to",
			    json_string(member(event, "time")));
	json_object_del(ledger->past, netns);
	if (!is(event, "gone"))
		/* one is borrowed: this holds it before open lets it go. */
		json_object_set(ledger->past, netns, one);
	json_object_del(ledger->open, netns);
}

/* What seemed to have ended goes on: it was flushed and put back, or another guard took it over. */
static void resume(struct ledger *ledger, const json_t *event)
{
	const char *netns = member(event, "netns");
	json_t *one = json_object_get(ledger->past, netns);

	json_object_set_new(json_object_get(one, "incident"), "to", json_null());
	json_object_set(ledger->open, netns, one);
	json_object_del(ledger->past, netns);
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

static void note_service(const struct open_incident *open, const json_t *event)
{
	json_t *services = json_object_get(open->object, "services");
	const char *service = member(event, "service");

	if (is(event, "helpless"))
		json_object_set_new(open->object, "helpless", json_true());
	/* A change that failed has changed nothing. */
	if (!service[0] || json_object_get(event, "error"))
		return;
	if (is(event, "engage") || is_out_again(event)) {
		json_object_set_new(open->out, service, json_true());
		if (!names(services, service))
			json_array_append_new(services, json_string(service));
	} else if (is_back(event)) {
		json_object_del(open->out, service);
	}
}

/* The most, of the limit that there was then. */
static void note_entries(const struct open_incident *open, const json_t *event)
{
	json_t *entries = json_object_get(event, "entries");
	json_t *limit = json_object_get(event, "limit");
	const json_t *most = json_object_get(open->object, "entries_max");

	if (!json_is_integer(entries) || !json_is_integer(limit) ||
	    json_integer_value(entries) <= json_integer_value(most))
		return;
	json_object_set(open->object, "entries_max", entries);
	json_object_set(open->object, "limit", limit);
}

/* Whether that was the last of it: nothing is out any more, or there is nothing to be out of. */
static bool ends(const struct open_incident *open, const json_t *event)
{
	if (is(event, "gone"))
		return true;
	return json_object_size(open->out) == 0 &&
	       (is_back(event) || is(event, "relieved"));
}

/* Whether it goes on with what the last incident was about. */
static bool continues(const struct open_incident *past, const json_t *event)
{
	/* What was lost is no longer in "out"; what a guard left out at its end is. */
	return past->object && is_out_again(event) &&
	       (is(event, "restore") ||
		json_object_get(past->out, member(event, "service")));
}

/* After the last incident it may still be told what became of it. */
static void take_late(struct ledger *ledger, json_t *event)
{
	struct open_incident past = find(ledger->past, event);

	if (continues(&past, event)) {
		resume(ledger, event);
	} else if (begins(event) || is_out_again(event)) {
		begin(ledger, event);
	} else if (past.object && is(event, "stand-down")) {
		json_array_append(json_object_get(past.object, "events"), event);
		json_object_set_new(past.object, "to",
				    json_string(member(event, "time")));
	}
}

static void take(struct ledger *ledger, json_t *event)
{
	struct open_incident one;

	if (!find(ledger->open, event).object)
		take_late(ledger, event);
	one = find(ledger->open, event);
	if (!one.object)
		return;
	json_array_append(json_object_get(one.object, "events"), event);
	note_service(&one, event);
	note_entries(&one, event);
	if (ends(&one, event))
		end(ledger, member(event, "netns"), event);
}

/* The guard ended, there; a start while one is open: the guard before ended without a word. */
static void end_all(struct ledger *ledger, json_t *event)
{
	bool everywhere = is(event, "start");
	const char *netns;
	void *next;
	json_t *one;

	json_object_foreach_safe(ledger->open, next, netns, one)
	{
		if (!everywhere && strcmp(netns, member(event, "netns")) != 0)
			continue;
		json_array_append(
			json_object_get(json_object_get(one, "incident"), "events"),
			event);
		end(ledger, netns, event);
	}
}

json_t *incidents_find(const json_t *events)
{
	struct ledger ledger = { json_array(), json_object(), json_object() };
	json_t *event;
	size_t i;

	json_array_foreach(events, i, event) {
		if (is(event, "stop") || is(event, "start"))
			end_all(&ledger, event);
		else
			take(&ledger, event);
	}
	json_decref(ledger.open);
	json_decref(ledger.past);
	return ledger.list;
}

static void add_services(const json_t *incident, struct text *text)
{
	const json_t *services = json_object_get(incident, "services");
	const json_t *row;
	size_t i;

	json_array_foreach(services, i, row) {
		text_add(text, "%s", i ? ", " : "");
		text_add_clean(text,
			       json_string_value(row) ? json_string_value(row) : "?");
	}
	if (json_array_size(services) == 0)
		text_add(text, "nothing could be taken out");
}

static void add_line(const json_t *incident, struct text *text)
{
	const char *to = member(incident, "to");

	text_add(text, "%3lld  ",
		 (long long)json_integer_value(json_object_get(incident, "number")));
	text_add_clean(text, member(incident, "from"));
	text_add(text, " .. ");
	text_add_clean(text, to[0] ? to : "goes on");
	text_add(text, "  ");
	if (member(incident, "netns")[0]) {
		text_add_clean(text, member(incident, "netns"));
		text_add(text, ": ");
	}
	if (json_is_true(json_object_get(incident, "dry_run")))
		text_add(text, "dry run: ");
	if (json_integer_value(json_object_get(incident, "limit")) > 0)
		text_add(text, "%lld of %lld entries  ",
			 (long long)json_integer_value(
				 json_object_get(incident, "entries_max")),
			 (long long)json_integer_value(
				 json_object_get(incident, "limit")));
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
		text_add_clean(text, member(event, "time"));
		text_add(text, "  ");
		text_add_clean(text, member(event, "event"));
		if (member(event, "service")[0]) {
			text_add(text, " ");
			text_add_clean(text, member(event, "service"));
		}
		text_add(text, ": ");
		if (is(event, "reclaim") || is(event, "purged"))
			text_add(text, "%lld entries before, %lld after",
				 (long long)json_integer_value(
					 json_object_get(event, "entries_before")),
				 (long long)json_integer_value(
					 json_object_get(event, "entries_after")));
		else
			text_add_clean(text, member(event, "why"));
		text_add(text, "\n");
	}
}
