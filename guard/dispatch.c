// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/dispatch.h"

#include <ev.h>
#include <stdio.h>
#include <string.h>

#include "guard/control.h"
#include "guard/roll.h"
#include "guard/status.h"
#include "guard/ward.h"
#include "guard/wards.h"
#include "lib/metainfo.h"
#include "lib/text.h"

/* Names of namespaces in one answer: more help nobody. */
enum { NAMES_SHOWN = 8 };

enum { WHY_BYTES = 1000 };

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

void dispatch_want(struct dispatch *dispatch, enum dispatch_wish wish)
{
	if (wish > dispatch->wish)
		dispatch->wish = wish;
	ev_break(dispatch->loop, EVBREAK_ALL);
}

void dispatch_status(const struct dispatch *dispatch, struct status *out)
{
	const struct wards *wards = dispatch->wards;

	out->rehearse = dispatch->rehearse;
	out->started_ns = dispatch->started_ns;
	out->config = dispatch->config;
	out->journal = dispatch->journal;
	out->roll = dispatch->roll;
	out->count = wards->count;
	for (size_t i = 0; i < wards->count; i++)
		out->tables[i] = ward_status(wards->list[i]);
}

/* Only what is told of that network namespace. */
static void pick(struct status *status, const char *netns)
{
	size_t i = 0;

	while (i < status->count &&
	       (!status->tables[i].netns || strcmp(status->tables[i].netns, netns) != 0))
		i++;
	if (i < status->count)
		status->tables[0] = status->tables[i];
	status->count = i < status->count;
}

static json_t *no_such_netns(const char *netns)
{
	char why[WHY_BYTES];

	snprintf(why, sizeof(why), "\"%.100s\" is no network namespace that is guarded",
		 netns);
	return refused(why);
}

static json_t *tell_status(struct dispatch *dispatch, const json_t *request)
{
	const char *netns = json_string_value(json_object_get(request, "netns"));
	struct status status;

	dispatch_status(dispatch, &status);
	if (netns)
		pick(&status, netns);
	return status.count ? status_json(&status) : no_such_netns(netns ? netns : "");
}

/* Only looked at here; the loop's owner takes it, when this answer is on its way. */
static json_t *reload(struct dispatch *dispatch, const json_t *request)
{
	char why[WHY_BYTES];

	if (!dispatch->check)
		return refused("there is no configuration file to read again");
	if (dispatch->check(dispatch->data, why, sizeof(why)))
		return refused(why);
	dispatch_want(dispatch, DISPATCH_RELOAD);
	return done("the configuration is read again");
}

static json_t *stop(struct dispatch *dispatch, const json_t *request)
{
	dispatch_want(dispatch, DISPATCH_STOP);
	return done("ends, and takes its rules away");
}

/* Sorts a ward's answer to who got the same. */
static void sort(json_t *groups, const char *netns, const json_t *answer)
{
	const char *sentence = json_string_value(json_object_get(answer, "done"));
	json_t *names;

	if (!sentence)
		sentence = json_string_value(json_object_get(answer, "error"));
	if (!sentence)
		return;
	names = json_object_get(groups, sentence);
	if (!names) {
		names = json_array();
		json_object_set_new(groups, sentence, names);
	}
	json_array_append_new(names, json_string(netns));
}

static void add_names(const json_t *names, struct text *text)
{
	size_t count = json_array_size(names);

	for (size_t i = 0; i < count && i < NAMES_SHOWN; i++)
		text_add(text, "%s%s", i ? ", " : " (",
			 json_string_value(json_array_get(names, i)));
	if (count > NAMES_SHOWN)
		text_add(text, " and %zu more", count - NAMES_SHOWN);
	text_add(text, ")");
}

/* Each sentence once, with who got it; all of them need no names. */
static void tell(json_t *groups, size_t asked, struct text *text)
{
	const char *sentence;
	json_t *names;

	json_object_foreach(groups, sentence, names)
	{
		text_add(text, "%s%s", text->length ? "; " : "", sentence);
		if (json_array_size(names) < asked)
			add_names(names, text);
	}
}

/* Of several, it is done if it is in one; that is told first. */
static json_t *bring_to_all(struct dispatch *dispatch, const json_t *request)
{
	const char *command = json_string_value(json_object_get(request, "command"));
	struct wards *wards = dispatch->wards;
	/* Of those who did not do it, and of those who did. */
	json_t *groups[] = { json_object(), json_object() }, *answer;
	struct text text = { 0 };
	bool ok, any = false;

	for (size_t i = 0; i < wards->count; i++) {
		answer = ward_answer(wards->list[i], request);
		ok = json_is_true(json_object_get(answer, "ok"));
		any = any || ok;
		sort(groups[ok], wards->list[i]->name, answer);
		json_decref(answer);
	}
	for (int i = 1; i >= 0; i--) {
		tell(groups[i], wards->count, &text);
		json_decref(groups[i]);
	}
	if (strcmp(command, "release") != 0)
		/* Namespaces that come later are as this order wants all of them. */
		wards->paused = strcmp(command, "pause") == 0;
	answer = any ? done(text_str(&text)) : refused(text_str(&text));
	text_free(&text);
	return answer;
}

static json_t *bring(struct dispatch *dispatch, const json_t *request)
{
	const char *netns = json_string_value(json_object_get(request, "netns"));
	const struct wards *wards = dispatch->wards;

	if (!netns)
		return bring_to_all(dispatch, request);
	for (size_t i = 0; i < wards->count; i++) {
		if (strcmp(wards->list[i]->name, netns) == 0)
			return ward_answer(wards->list[i], request);
	}
	return no_such_netns(netns);
}

static const struct {
	const char *name;
	json_t *(*run)(struct dispatch *dispatch, const json_t *request);
	bool changes;
} COMMANDS[] = {
	{ "status", tell_status, false }, { "pause", bring, true },
	{ "resume", bring, true },        { "release", bring, true },
	{ "reload", reload, true },       { "stop", stop, true },
};

json_t *dispatch_answer(struct dispatch *dispatch, const json_t *request,
			struct control_peer *peer)
{
	const char *name = json_string_value(json_object_get(request, "command"));

	if (!name)
		return refused("no command");
	/* Whoever can connect may ask: the roll sees whether he may. */
	if (strcmp(name, "register") == 0)
		return roll_register(dispatch->roll, peer, request);
	for (size_t i = 0; i < sizeof(COMMANDS) / sizeof(COMMANDS[0]); i++) {
		if (strcmp(COMMANDS[i].name, name) != 0)
			continue;
		if (COMMANDS[i].changes && !peer->trusted)
			return refused(
				"only root and the guard's own user may order that");
		return COMMANDS[i].run(dispatch, request);
	}
	return refused("unknown command");
}
