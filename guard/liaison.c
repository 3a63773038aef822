// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/liaison.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "guard/lease.h"
#include "guard/policy.h"
#include "guard/status.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/text.h"

/* The watchdog may miss all but one of so many. */
static const double FEEDS = 4;

/* The table's numbers are told this often, changes of what is done at once. */
static const double TELL_EVERY_S = 10;

void liaison_open(struct liaison *liaison, const struct log *log)
{
	int err;

	*liaison = (struct liaison){ 0 };
	err = notify_open(&liaison->notify);
	if (err)
		log_warn(log, "cannot tell the service manager: NOTIFY_SOCKET: %s",
			 strerror(-err));
}

/* Adds what is out of tracking; any: something was added already. Returns whether there is now. */
static bool describe_table(const struct status_table *table, bool any, struct text *text)
{
	for (size_t i = 0; i < table->view->count; i++) {
		if (!leases_engaged(table->leases, i))
			continue;
		text_add(text, "%s%s%s%s",
			 any ? " " : ", out: ", table->view->services[i].name,
			 table->netns ? "@" : "", table->netns ? table->netns : "");
		any = true;
	}
	return any;
}

/* What is done, for people: changes seldom. */
static void describe(const struct status *status, struct text *text)
{
	bool any = false;

	text_add(text, "%s%s", status->rehearse ? "dry run, " : "",
		 status_state_name(status_state(status)));
	if (status->count > 1)
		text_add(text, " in %zu network namespaces", status->count);
	for (size_t t = 0; t < status->count; t++)
		any = describe_table(&status->tables[t], any, text);
}

/* All have the same limit. */
static const struct policy_view *fullest(const struct status *status)
{
	const struct policy_view *full = status->tables[0].view;

	for (size_t t = 1; t < status->count; t++) {
		if (status->tables[t].view->entries > full->entries)
			full = status->tables[t].view;
	}
	return full;
}

static void tell(struct liaison *liaison, const struct status *status)
{
	const struct policy_view *view = fullest(status);
	uint64_t now_ns = clock_now_ns();
	struct text text = { 0 };
	char numbers[64] = "";
	bool changed;

	describe(status, &text);
	/* Of what it told only as much is compared as had room. */
	changed = liaison->unready ||
		  strncmp(text_str(&text), liaison->told, LIAISON_TEXT_MAX - 1) != 0;
	if (changed || clock_between_s(liaison->told_ns, now_ns) >= TELL_EVERY_S) {
		snprintf(liaison->told, sizeof(liaison->told), "%s", text_str(&text));
		/* Before the first look there are none: the next tells them. */
		liaison->told_ns = view->limit ? now_ns : 0;
		if (view->limit)
			snprintf(numbers, sizeof(numbers), "; %u of %u entries (%.0f%%)",
				 view->entries, view->limit,
				 100.0 * view->entries / view->limit);
		/* A manager that is busy hears of it the next time. */
		if (notify_try(&liaison->notify, "%sSTATUS=%s%s",
			       liaison->unready ? "READY=1\n" : "", liaison->told,
			       numbers) == 0)
			liaison->unready = false;
	}
	text_free(&text);
}

void liaison_ready(struct liaison *liaison, const struct status *status)
{
	liaison->unready = true;
	tell(liaison, status);
}

void liaison_reloading(const struct liaison *liaison)
{
	notify_reloading(&liaison->notify);
}

void liaison_stopping(const struct liaison *liaison)
{
	notify_send(&liaison->notify, "STOPPING=1\nSTATUS=ending");
}

bool liaison_listens(const struct liaison *liaison)
{
	return liaison->notify.fd >= 0;
}

double liaison_patience_s(const struct liaison *liaison)
{
	if (!liaison_listens(liaison) || !liaison->notify.watchdog_ns)
		return INFINITY;
	return (double)liaison->notify.watchdog_ns / CLOCK_NS_PER_S / FEEDS;
}

void liaison_look(struct liaison *liaison, const struct status *status,
		  uint64_t looked_ns)
{
	/* No later than the one before: this look failed, which is no sign of life. */
	if (!liaison_listens(liaison) || looked_ns <= liaison->seen_ns)
		return;
	liaison->seen_ns = looked_ns;
	/* A look comes a little late: half the patience makes sure that none is skipped for that. */
	if (clock_between_s(liaison->fed_ns, looked_ns) >=
	    liaison_patience_s(liaison) / 2) {
		liaison->fed_ns = looked_ns;
		notify_try(&liaison->notify, "WATCHDOG=1");
	}
	tell(liaison, status);
}

void liaison_close(struct liaison *liaison)
{
	notify_close(&liaison->notify);
}
