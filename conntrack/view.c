// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/view.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "conntrack/demand.h"
#include "conntrack/estimate.h"
#include "conntrack/rollcall.h"
#include "conntrack/untracked.h"
#include "conntrack/watch.h"
#include "lib/text.h"

enum { LINE_ROWS_MAX = 3 };

/* In which the kernel looks for an entry to evict. */
enum { EVICTION_BUCKETS = 8 };

const char *view_count(char text[VIEW_COUNT_MAX], double value)
{
	char digits[VIEW_COUNT_MAX / 2];
	/* Cut where digits and commas have room, whatever the value is. */
	int length = snprintf(digits, sizeof(digits), "%.0f", fmin(fabs(value), 1e12));
	char *end = text;

	if (value <= -0.5)
		*end++ = '-';
	for (int i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			*end++ = ',';
		*end++ = digits[i];
	}
	*end = '\0';
	return text;
}

static void add_duration(struct text *text, double seconds)
{
	/* No minutes where half of one matters: whether a lease is refreshed shows. */
	if (seconds < 10)
		text_add(text, "%.1f s", seconds);
	else if (seconds < 600)
		text_add(text, "%.0f s", seconds);
	else if (seconds < 7200)
		text_add(text, "%.0f min", seconds / 60);
	else if (seconds < 172800)
		text_add(text, "%.0f h", seconds / 3600);
	else
		text_add(text, "%.0f d", seconds / 86400);
}

void view_called(const struct reading *reading, const char *before, struct text *text)
{
	const struct rollcall *called = reading->called;
	char name[SERVICE_TEXT_MAX], entries[VIEW_COUNT_MAX];

	for (size_t i = 0; called && i < called->asked->count; i++) {
		service_format(&called->asked->service[i], name);
		text_add(text, "%s%s %s", i ? ", " : before, name,
			 view_count(entries, called->row[i].flows));
	}
}

void view_lease(const struct untracked_service *service, struct text *text)
{
	if (!service->ends) {
		text_add(text, "for ever");
		return;
	}
	text_add(text, "lease ");
	add_duration(text, (double)service->left_ms / 1000);
}

/* "140,000 (53%)" */
static void add_level(const struct reading *reading, struct text *text)
{
	char entries[VIEW_COUNT_MAX];

	text_add(text, "%s", view_count(entries, reading->settles_at));
	if (reading->usage.limit)
		text_add(text, " (%.0f%%)",
			 100 * reading->settles_at / reading->usage.limit);
}

void view_forecast(const struct reading *reading, struct text *text)
{
	bool level = isfinite(reading->settles_at);

	switch (reading->verdict) {
	case OUTLOOK_UNKNOWN: text_add(text, "no forecast yet"); break;
	case OUTLOOK_FULL: text_add(text, "full"); break;
	case OUTLOOK_STEADY: text_add(text, "steady"); break;
	case OUTLOOK_FILLS:
		text_add(text, "full in ");
		add_duration(text, reading->full_s);
		break;
	case OUTLOOK_SETTLES:
		text_add(text, "settles at ");
		add_level(reading, text);
		break;
	case OUTLOOK_DRAINS:
		text_add(text, level ? "draining to " : "draining");
		if (level)
			add_level(reading, text);
		break;
	}
}

enum view_tracking view_tracking(const struct reading *reading)
{
	char doubt[DEMAND_DOUBT_MAX];

	if (reading->active == ACTIVE_YES)
		return TRACKING_ON;
	return view_tracking_doubt(reading, doubt) ? TRACKING_UNKNOWN : TRACKING_OFF;
}

/* Whether there may be rules that need tracking and exempt the probe, which nobody has read. */
static bool is_hidden(const struct reading *reading)
{
	const struct demand *demand = reading->demand;

	return !demand || !demand->known || demand->legacy[0];
}

const char *view_tracking_doubt(const struct reading *reading,
				char doubt[DEMAND_DOUBT_MAX])
{
	if (reading->active == ACTIVE_YES)
		return NULL;
	if (reading->missing)
		return "finding out needs CAP_NET_ADMIN";
	if (reading->probe_error == -ENOSPC)
		return "the table is full, and a probe would push out an entry";
	if (reading->active == ACTIVE_UNKNOWN)
		return "could not send a probe over loopback";
	if (reading->demand && demand_doubt(reading->demand, doubt))
		return doubt;
	/* Else what there is was left over when tracking ended. */
	if (reading->usage.entries && is_hidden(reading))
		return "a probe over loopback left no entry, but there are others";
	return NULL;
}

const struct attribute *view_rows_of(const struct view *view,
				     const struct reading *reading)
{
	switch (view->by) {
	case VIEW_SOURCE: return reading->sources;
	case VIEW_STATE: return reading->states;
	case VIEW_PROCESS: return reading->holders;
	default: return reading->services;
	}
}

const char *view_by_name(enum view_by by)
{
	static const char *const NAMES[] = {
		[VIEW_SERVICE] = "service",
		[VIEW_SOURCE] = "source",
		[VIEW_STATE] = "state",
		[VIEW_PROCESS] = "process",
	};

	return NAMES[by];
}

struct view_rows view_top(const struct attribute *attribute, size_t top)
{
	struct view_rows rows = {
		.count = attribute->count < top ? attribute->count : top,
		.rows = attribute->rows,
		.other = attribute->other,
	};

	for (size_t i = rows.count; i < attribute->count; i++) {
		rows.other.flows += attribute->rows[i].flows;
		rows.other.unreplied += attribute->rows[i].unreplied;
		rows.other.assured += attribute->rows[i].assured;
		rows.other.nat += attribute->rows[i].nat;
	}
	return rows;
}

const struct process *view_holder(const struct reading *reading,
				  const struct attribute_row *row)
{
	for (size_t i = 0; row->inode && i < reading->processes; i++) {
		if (reading->process[i].inode == row->inode && reading->process[i].pid)
			return &reading->process[i];
	}
	return NULL;
}

const char *view_process(const struct reading *reading, const struct attribute_row *row)
{
	const struct process *process = view_holder(reading, row);

	return process ? process->name : NULL;
}

double view_evictable(const struct reading *reading)
{
	const struct attribute_row *total;

	if (!reading->sampled || reading->sample.flows == 0)
		return NAN;
	total = &reading->services->total;
	return (double)(total->flows - total->assured) / total->flows;
}

double view_overflow_drops(const struct reading *reading)
{
	double buckets = reading->buckets ? reading->buckets : reading->usage.limit;

	/* Each entry is in two buckets: by its tuple, and by that of the answers. */
	if (buckets <= 0)
		return NAN;
	/* A new flow is dropped if none of all the entries in those buckets may go. */
	return pow(1 - view_evictable(reading),
		   EVICTION_BUCKETS * 2 * reading->usage.limit / buckets);
}

/* A forwarded service has the name of the one that this host would serve. */
void view_name(const struct attribute_key *key, char name[VIEW_NAME_MAX])
{
	char text[ATTRIBUTE_NAME_MAX];

	attribute_name(key, text);
	snprintf(name, VIEW_NAME_MAX, "%s%s", text,
		 key->kind == ATTRIBUTE_FORWARD ? " forwarded" : "");
}

static void add_top(const struct view *view, const struct reading *reading,
		    struct text *text)
{
	struct view_rows rows =
		view_top(view_rows_of(view, reading),
			 view->top < LINE_ROWS_MAX ? view->top : (size_t)LINE_ROWS_MAX);
	char name[VIEW_NAME_MAX];

	for (size_t i = 0; i < rows.count; i++) {
		struct estimate estimate = estimate_row(reading, &rows.rows[i]);

		view_name(&rows.rows[i].key, name);
		text_add(text, "%s%s %.0f%%", i ? ", " : "  ", name,
			 100 * estimate.share);
	}
}

void view_line(const struct view *view, const struct reading *reading, struct text *text)
{
	text_add(text, "%u/%u %.1f%%", reading->usage.entries, reading->usage.limit,
		 100 * table_fill(&reading->usage));
	if (reading->predicted)
		/* No negative zero. */
		text_add(text, " %+.0f/s", round(reading->slope) + 0.0);
	text_add(text, "  ");
	view_forecast(reading, text);
	if (reading->counted)
		text_add(text, "  drop %u early_drop %u", reading->since.drop,
			 reading->since.early_drop);
	if (view_tracking(reading) != TRACKING_ON)
		text_add(text, view_tracking(reading) == TRACKING_OFF
				       ? "  not active"
				       : "  not known whether active");
	if (reading->sampled)
		add_top(view, reading, text);
	view_called(reading, "  counted ", text);
	if (reading->called && reading->called_age_s >= 1)
		text_add(text, " (%.0f s ago)", reading->called_age_s);
}
