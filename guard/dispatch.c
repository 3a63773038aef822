// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/dispatch.h"

#include <ev.h>
#include <string.h>

#include "guard/orders.h"
#include "guard/status.h"
#include "guard/ward.h"
#include "guard/wards.h"

enum { WHY_BYTES = 1000 };

static json_t *done(const char *text)
{
	return json_pack("{s:b, s:s}", "ok", 1, "done", text);
}

static json_t *refused(const char *error)
{
	return json_pack("{s:b, s:s}", "ok", 0, "error", error);
}

void dispatch_status(const struct dispatch *dispatch, struct status *out)
{
	const struct wards *wards = dispatch->wards;

	out->rehearse = dispatch->rehearse;
	out->started_ns = dispatch->started_ns;
	out->config = dispatch->config;
	out->journal = dispatch->journal;
	out->count = wards->count;
	for (size_t i = 0; i < wards->count; i++)
		out->tables[i] = ward_status(wards->list[i]);
}

static json_t *tell_status(struct dispatch *dispatch, const json_t *request)
{
	struct status status;

	dispatch_status(dispatch, &status);
	return status_json(&status);
}

/* Only looked at here; the loop's owner takes it, when this answer is on its way. */
static json_t *reload(struct dispatch *dispatch, const json_t *request)
{
	char why[WHY_BYTES];

	if (!dispatch->check)
		return refused("there is no configuration file to read again");
	if (dispatch->check(dispatch->data, why, sizeof(why)))
		return refused(why);
	dispatch->wish = DISPATCH_RELOAD;
	ev_break(dispatch->loop, EVBREAK_ALL);
	return done("the configuration is read again");
}

static json_t *stop(struct dispatch *dispatch, const json_t *request)
{
	dispatch->wish = DISPATCH_STOP;
	ev_break(dispatch->loop, EVBREAK_ALL);
	return done("ends, and takes its rules away");
}

static json_t *bring(struct dispatch *dispatch, const json_t *request)
{
	return orders_answer(&dispatch->wards->list[0]->orders, request);
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

json_t *dispatch_answer(struct dispatch *dispatch, const json_t *request, bool trusted)
{
	const char *name = json_string_value(json_object_get(request, "command"));

	if (!name)
		return refused("no command");
	for (size_t i = 0; i < sizeof(COMMANDS) / sizeof(COMMANDS[0]); i++) {
		if (strcmp(COMMANDS[i].name, name) != 0)
			continue;
		if (COMMANDS[i].changes && !trusted)
			return refused(
				"only root and the guard's own user may order that");
		return COMMANDS[i].run(dispatch, request);
	}
	return refused("unknown command");
}
