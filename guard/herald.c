// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/herald.h"

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

void herald_open(struct herald *herald, const struct log *log)
{
	int err;

	*herald = (struct herald){ 0 };
	err = notify_open(&herald->notify);
	if (err)
		log_warn(log, "cannot tell the service manager: NOTIFY_SOCKET: %s",
			 strerror(-err));
}

/* What is done, for people: changes seldom. */
static void describe(const struct status *status, struct text *text)
{
	const struct policy_view *view = status->view;
	bool any = false;

	text_add(text, "%s%s", status->rehearse ? "dry run, " : "",
		 status_state_name(status->state));
	for (size_t i = 0; i < view->count; i++) {
		if (!leases_engaged(status->leases, i))
			continue;
		text_add(text, "%s%s", any ? " " : ", out: ", view->services[i].name);
		any = true;
	}
}

static void tell(struct herald *herald, const struct status *status, const char *before)
{
	const struct policy_view *view = status->view;
	uint64_t now_ns = clock_now_ns();
	struct text text = { 0 };
	bool changed;

	describe(status, &text);
	changed = *before ||
		  strncmp(text_str(&text), herald->told, HERALD_TEXT_MAX - 1) != 0;
	if (changed || clock_between_s(herald->told_ns, now_ns) >= TELL_EVERY_S) {
		snprintf(herald->told, sizeof(herald->told), "%s", text_str(&text));
		herald->told_ns = now_ns;
		/* A manager that is busy hears of it the next time. */
		notify_try(&herald->notify, "%sSTATUS=%s; %u of %u entries (%.0f%%)",
			   before, herald->told, view->entries, view->limit,
			   view->limit ? 100.0 * view->entries / view->limit : 0);
	}
	text_free(&text);
}

void herald_ready(struct herald *herald, const struct status *status)
{
	tell(herald, status, "READY=1\n");
}

void herald_reloading(const struct herald *herald)
{
	notify_reloading(&herald->notify);
}

void herald_stopping(const struct herald *herald)
{
	notify_send(&herald->notify, "STOPPING=1\nSTATUS=ending");
}

double herald_patience_s(const struct herald *herald)
{
	if (herald->notify.fd < 0 || !herald->notify.watchdog_ns)
		return INFINITY;
	return (double)herald->notify.watchdog_ns / CLOCK_NS_PER_S / FEEDS;
}

void herald_look(struct herald *herald, const struct status *status)
{
	uint64_t looked_ns = status->view->now_ns;

	if (herald->notify.fd < 0 || looked_ns == herald->seen_ns)
		return;
	herald->seen_ns = looked_ns;
	/* A look comes a little late: half the patience makes sure that none is skipped for that. */
	if (clock_between_s(herald->fed_ns, looked_ns) >= herald_patience_s(herald) / 2) {
		herald->fed_ns = looked_ns;
		notify_try(&herald->notify, "WATCHDOG=1");
	}
	tell(herald, status, "");
}

void herald_close(struct herald *herald)
{
	notify_close(&herald->notify);
}
