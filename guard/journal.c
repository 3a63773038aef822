// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/journal.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guard/policy.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/metainfo.h"

static const double COMPLAIN_AGAIN_S = 60;

static json_t *new_event(const struct journal *journal, const char *event)
{
	char now[CLOCK_TEXT_MAX];
	json_t *object = metainfo_object("ctguard");

	clock_wall_text(now);
	json_object_set_new(object, "time", json_string(now));
	json_object_set_new(object, "event", json_string(event));
	json_object_set_new(object, "dry_run", json_boolean(journal->rehearse));
	if (journal->netns)
		json_object_set_new(object, "netns", json_string(journal->netns));
	return object;
}

/*
 * One write a line, so that a reader never sees half of one. A reader that stalls must not stall
 * the guard: a pipe is ready when it has room for PIPE_BUF bytes, more than an event has.
 */
static bool write_line(int fd, const char *line, size_t length)
{
	struct pollfd ready = { .fd = fd, .events = POLLOUT };

	return length <= PIPE_BUF && poll(&ready, 1, 0) == 1 &&
	       (ready.revents & POLLOUT) && write(fd, line, length) == (ssize_t)length;
}

/* A full disk must not fill the log, too. */
static void complain(struct journal *journal, int err)
{
	uint64_t now_ns = clock_now_ns();

	journal->unkept++;
	journal->missing++;
	if (journal->told_ns &&
	    clock_between_s(journal->told_ns, now_ns) < COMPLAIN_AGAIN_S)
		return;
	journal->told_ns = now_ns;
	log_warn(journal->log, "an event could not be kept in \"%s\": %s",
		 journal->logbook.path, strerror(-err));
}

/* To be freed; NULL when memory ran out. */
static char *line_of(const json_t *event, size_t *length)
{
	char *line = json_dumps(event, JSON_COMPACT | JSON_REAL_PRECISION(9));

	if (!line)
		return NULL;
	*length = strlen(line);
	/* In the place of the string's end: from here on length says how long it is. */
	line[(*length)++] = '\n';
	return line;
}

/* What the logbook lacks is told where it is missing. */
static int own_up(struct journal *journal)
{
	unsigned long long missing = journal->missing;
	json_t *event;
	char why[80];
	size_t length;
	char *line;
	int err;

	if (!missing)
		return 0;
	event = new_event(journal, "gap");
	snprintf(why, sizeof(why), "%llu event%s before this could not be kept", missing,
		 missing == 1 ? "" : "s");
	json_object_set_new(event, "why", json_string(why));
	line = line_of(event, &length);
	err = line ? logbook_append(&journal->logbook, line, length) : -ENOMEM;
	if (!err)
		journal->missing = 0;
	free(line);
	json_decref(event);
	return err;
}

/* Takes event over; the oldest is forgotten for it. */
static void remember(struct journal *journal, json_t *event)
{
	json_decref(journal->recent[journal->next]);
	journal->recent[journal->next] = event;
	journal->next = (journal->next + 1) % JOURNAL_RECENT;
}

/* Takes event over. */
static void write_event(struct journal *journal, json_t *event)
{
	size_t length;
	char *line = line_of(event, &length);
	int err;

	/* What it tells is of the namespace, where it is kept of the guard. */
	if (journal->keeper)
		journal = journal->keeper;
	if (!line) {
		journal->lost++;
		json_decref(event);
		return;
	}
	if (journal->json_fd >= 0 && !write_line(journal->json_fd, line, length))
		journal->lost++;
	err = own_up(journal);
	if (!err)
		err = logbook_append(&journal->logbook, line, length);
	if (err)
		complain(journal, err);
	free(line);
	remember(journal, event);
}

void journal_free(struct journal *journal)
{
	for (size_t i = 0; i < JOURNAL_RECENT; i++) {
		json_decref(journal->recent[i]);
		journal->recent[i] = NULL;
	}
}

json_t *journal_recent(const struct journal *journal)
{
	json_t *list = json_array();

	for (size_t i = 0; i < JOURNAL_RECENT; i++) {
		/* The next slot has the oldest, or nothing yet. */
		json_t *event = journal->recent[(journal->next + i) % JOURNAL_RECENT];

		if (event)
			json_array_append(list, event);
	}
	return list;
}

static json_t *begin_about(const struct journal *journal, const char *event,
			   const char *service, const char *text)
{
	json_t *object = new_event(journal, event);

	log_info(journal->log, "%s", text);
	if (service)
		json_object_set_new(object, "service", json_string(service));
	json_object_set_new(object, "why", json_string(text));
	return object;
}

void journal_about(struct journal *journal, const char *event, const char *service,
		   const char *text)
{
	write_event(journal, begin_about(journal, event, service, text));
}

void journal_out(struct journal *journal, const char *event, const char *service,
		 unsigned percent, const char *text)
{
	json_t *object = begin_about(journal, event, service, text);

	json_object_set_new(object, "percent", json_integer(percent));
	write_event(journal, object);
}

void journal_note(struct journal *journal, const char *event, const char *text)
{
	journal_about(journal, event, NULL, text);
}

static const char *action_name(enum policy_action action)
{
	static const char *const NAMES[] = {
		[POLICY_REST] = "rest",         [POLICY_ATTRIBUTE] = "attribute",
		[POLICY_ENGAGE] = "engage",     [POLICY_RELEASE] = "release",
		[POLICY_HELPLESS] = "helpless", [POLICY_PURGE] = "purge",
		[POLICY_RAISE] = "raise",       [POLICY_LOWER] = "lower",
		[POLICY_DELETE] = "delete",
	};

	return NAMES[action];
}

static const char *service_name(const struct policy_view *view,
				const struct policy_decision *decision)
{
	/* For others decision->service says nothing. */
	if (decision->action != POLICY_ENGAGE && decision->action != POLICY_RELEASE &&
	    decision->action != POLICY_DELETE)
		return NULL;
	return view->services[decision->service].name;
}

/* JSON has no infinity: null says that the table will not be full. */
static json_t *number_or_null(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

static json_t *describe(const struct journal *journal, const struct policy_view *view,
			const struct policy_decision *decision)
{
	const char *service = service_name(view, decision);
	json_t *object = new_event(journal, action_name(decision->action));

	json_object_set_new(object, "service",
			    service ? json_string(service) : json_null());
	json_object_set_new(object, "why", json_string(decision->why));
	json_object_set_new(object, "entries", json_integer(view->entries));
	json_object_set_new(object, "limit", json_integer(view->limit));
	json_object_set_new(object, "entries_per_second", number_or_null(view->slope));
	json_object_set_new(object, "full_in_seconds", number_or_null(view->full_in_s));
	json_object_set_new(object, "projected_entries",
			    number_or_null(decision->projected));
	if (!service)
		return object;
	json_object_set_new(object, "percent", json_integer(decision->percent));
	json_object_set_new(object, "service_entries",
			    number_or_null(view->services[decision->service].stock));
	return object;
}

/* The log line of a decision that was carried out, in the mood that a rehearsal needs. */
static void say_decision(const struct journal *journal, const char *service,
			 const struct policy_decision *decision, double seconds)
{
	bool rehearse = journal->rehearse;
	char part[16] = "";

	if (decision->percent > 0 && decision->percent < POLICY_WHOLE)
		snprintf(part, sizeof(part), "%u %% of ", decision->percent);
	switch (decision->action) {
	case POLICY_ENGAGE:
		log_info(journal->log, "%s %s%s out of tracking: %s; %s in %.2f ms",
			 rehearse ? "would take" : "took", part, service, decision->why,
			 rehearse ? "decided" : "done", seconds * 1e3);
		break;
	case POLICY_RELEASE:
		log_info(journal->log, "%s %s%s%s back: %s; %s in %.2f ms",
			 rehearse ? "would give" : "gave", part[0] ? "all but " : "",
			 part, service, decision->why, rehearse ? "decided" : "done",
			 seconds * 1e3);
		break;
	case POLICY_PURGE:
		log_info(journal->log, "collects expired entries: %s", decision->why);
		break;
	case POLICY_DELETE:
		log_warn(journal->log, "%s what remains of %s: %s",
			 rehearse ? "would delete" : "deletes", service, decision->why);
		break;
	case POLICY_RAISE:
		log_warn(journal->log, "%s the limit: %s",
			 rehearse ? "would raise" : "raised", decision->why);
		break;
	case POLICY_LOWER:
		/* A rehearsal has raised nothing that it could lower. */
		log_info(journal->log, "set the limit back: %s", decision->why);
		break;
	default: log_warn(journal->log, "cannot relieve the table: %s", decision->why);
	}
}

void journal_decision(struct journal *journal, const struct policy_view *view,
		      const struct policy_decision *decision, double seconds)
{
	const char *service = service_name(view, decision);
	json_t *object;

	say_decision(journal, service, decision, seconds);
	object = describe(journal, view, decision);
	json_object_set_new(object, "seconds", json_real(seconds));
	write_event(journal, object);
}

void journal_failure(struct journal *journal, const struct policy_view *view,
		     const struct policy_decision *decision, const char *reason)
{
	const char *service = service_name(view, decision);
	json_t *object;

	log_error(journal->log, "could not %s %s: %s", action_name(decision->action),
		  service ? service : "", reason);
	object = describe(journal, view, decision);
	json_object_set_new(object, "error", json_string(reason));
	write_event(journal, object);
}

static void say_effect(const struct journal *journal, const char *service,
		       const struct journal_effect *effect)
{
	if (service)
		log_info(journal->log,
			 "deleted %u entries of %s: %u in the table before, %u after, in "
			 "%.1f ms",
			 effect->deleted, service, effect->before, effect->after,
			 effect->seconds * 1e3);
	else
		log_info(journal->log,
			 "had expired entries collected: %u before, %u after, in %.1f ms",
			 effect->before, effect->after, effect->seconds * 1e3);
}

void journal_effect(struct journal *journal, const char *service,
		    const struct journal_effect *effect)
{
	json_t *object = new_event(journal, service ? "reclaim" : "purged");

	say_effect(journal, service, effect);
	if (service) {
		json_object_set_new(object, "service", json_string(service));
		json_object_set_new(object, "entries_expected",
				    json_real(effect->expected));
		json_object_set_new(object, "entries_deleted",
				    json_integer(effect->deleted));
	}
	json_object_set_new(object, "entries_before", json_integer(effect->before));
	json_object_set_new(object, "entries_after", json_integer(effect->after));
	json_object_set_new(object, "seconds", json_real(effect->seconds));
	write_event(journal, object);
}
