// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/report.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "conntrack/estimate.h"
#include "conntrack/rollcall.h"
#include "conntrack/untracked.h"
#include "conntrack/view.h"
#include "conntrack/watch.h"
#include "lib/text.h"

static const char INDENT[] = "           ";

static void add_tracking(const struct reading *reading, struct text *text)
{
	const struct demand unread = { 0 };
	const struct demand *demand = reading->demand ? reading->demand : &unread;
	char words[DEMAND_DOUBT_MAX];
	const char *doubt = view_tracking_doubt(reading, words);

	if (doubt)
		text_add(text, "tracking:  not known: %s", doubt);
	else if (reading->active == ACTIVE_YES)
		text_add(text, "tracking:  active");
	else
		text_add(text,
			 "tracking:  not active in this network namespace: nothing is "
			 "tracked%s",
			 reading->usage.entries ? " (entries are left over)" : "");
	if (doubt && reading->probe_error && reading->probe_error != -ENOSPC)
		text_add(text, ": %s%s", strerror(-reading->probe_error),
			 reading->probe_error == -ENETUNREACH ? " (is lo up?)" : "");
	text_add(text, "\n");
	/* Where a rule needs it, the doubt names that. */
	if (reading->active == ACTIVE_NO && !demand_doubt(demand, words))
		demand_explain(demand, INDENT, text);
}

/* What the next overflow will be: silent eviction, or loss that somebody notices. */
static void add_evictable(const struct reading *reading, struct text *text)
{
	double evictable = view_evictable(reading), drops = view_overflow_drops(reading);

	if (isnan(evictable) || isnan(drops))
		return;
	text_add(text, "evictable: %.1f%% (not assured): when full, ", 100 * evictable);
	/* What would read as 0 % or 100 % is said in words. */
	if (drops < 0.005)
		text_add(text, "new flows evict such entries in silence\n");
	else if (drops > 0.995)
		text_add(text, "new flows are dropped\n");
	else
		text_add(text, "%.0f%% of new flows are dropped, the rest evict others\n",
			 100 * drops);
}

/* All totals, then what those that move mean. */
static void add_counters(const struct reading *reading, struct text *text)
{
	if (!reading->counted)
		return;
	for (size_t i = 0; i < TABLE_COUNTERS; i++)
		text_add(text, "%s%s %u", i ? ", " : "counters:  ", TABLE_COUNTER[i].name,
			 table_counter_value(&reading->counters, &TABLE_COUNTER[i]));
	text_add(text, "\n");
	for (size_t i = 0; i < TABLE_COUNTERS; i++) {
		uint32_t gained = table_counter_value(&reading->since, &TABLE_COUNTER[i]);

		if (gained && reading->since_s > 0)
			text_add(text, "  %s +%.0f/s: %s\n", TABLE_COUNTER[i].name,
				 ceil(gained / reading->since_s),
				 TABLE_COUNTER[i].meaning);
	}
}

/* One row of the report: name, share and entries, then what else is known. */
static void add_row(const struct reading *reading, const struct attribute_row *row,
		    const char *name, struct text *text)
{
	struct estimate estimate = estimate_row(reading, row);
	const struct process *process = view_holder(reading, row);
	char entries[VIEW_COUNT_MAX];

	text_add(text, "  %-32s %5.1f%% +-%-4.1f %10s", name, 100 * estimate.share,
		 100 * estimate.share_error, view_count(entries, estimate.entries));
	text_add(text, "  %8.0f%%  %6.0f%%", 100.0 * row->unreplied / row->flows,
		 100.0 * row->assured / row->flows);
	if (process)
		text_add(text, "  %s[%d]", process->name, (int)process->pid);
	if (process && process->count > 1)
		text_add(text, " and %u more", process->count - 1);
	text_add(text, "%s\n", row->nat ? "  translated" : "");
}

/* Where the count and the sample are not of the same entries. */
static void add_expired(const struct reading *reading, struct text *text)
{
	struct estimate_live live = estimate_live(reading);
	double counted = reading->sample_counted;
	char number[VIEW_COUNT_MAX], about[VIEW_COUNT_MAX];

	if (live.exact && live.least < counted)
		text_add(text,
			 "           %s of the counted have expired, and go by and by\n",
			 view_count(number, counted - live.least));
	else if (!live.exact && live.least < 0.95 * live.most)
		text_add(text, "           about %s are live, at least %s\n",
			 view_count(about, live.about), view_count(number, live.least));
}

static void add_rows(const struct view *view, const struct reading *reading,
		     struct text *text)
{
	struct view_rows rows = view_top(view_rows_of(view, reading), view->top);
	char name[VIEW_NAME_MAX], flows[VIEW_COUNT_MAX];

	if (reading->sample.complete && reading->sample.flows == 0) {
		text_add(text, "no live entries\n");
		return;
	}
	text_add(text, "%s%s live entries",
		 reading->sample.complete ? "all " : "a sample of ",
		 view_count(flows, reading->sample.flows));
	if (reading->sample_age_s >= 1)
		text_add(text, ", %.0f s ago", reading->sample_age_s);
	text_add(text, ", by %s:\n", view_by_name(view->by));
	if (reading->sample.malformed)
		text_add(text, "  (%u could not be read)\n", reading->sample.malformed);
	if (reading->left_out)
		text_add(text,
			 "  (%zu sockets and addresses of this host are too many to "
			 "know)\n",
			 reading->left_out);
	if (reading->sample.flows == 0)
		return;
	text_add(text, "  %-32s %6s %6s %10s  %s  %s%s\n", "", "share", "", "entries",
		 "unreplied", "assured", view->by == VIEW_SERVICE ? "  process" : "");
	for (size_t i = 0; i < rows.count; i++) {
		view_name(&rows.rows[i].key, name);
		add_row(reading, &rows.rows[i], name, text);
	}
	if (rows.other.flows)
		add_row(reading, &rows.other, "other", text);
}

/* A service a line: who is out of tracking, and how much passes by it. */
static void add_untracked(const struct reading *reading, struct text *text)
{
	const struct untracked *untracked = reading->untracked;
	char in[VIEW_COUNT_MAX], out[VIEW_COUNT_MAX];

	for (size_t i = 0; untracked && i < untracked->count; i++) {
		const struct untracked_service *service = &untracked->services[i];

		text_add(text, "untracked: %s, ", service->name);
		text_add(text,
			 service->rated ? "%s packets/s in, %s out, "
					: "%s packets in, %s out so far, ",
			 view_count(in, service->rated ? service->in_rate
						       : (double)service->in_packets),
			 view_count(out, service->rated ? service->out_rate
							: (double)service->out_packets));
		view_lease(service, text);
		text_add(text, "\n");
	}
	if (untracked && untracked->left_out)
		text_add(text, "untracked: more services\n");
}

/* What was asked for, a service a line. */
static void add_called(const struct reading *reading, struct text *text)
{
	const struct rollcall *called = reading->called;
	char name[SERVICE_TEXT_MAX], entries[VIEW_COUNT_MAX], all[VIEW_COUNT_MAX];

	for (size_t i = 0; called && i < called->asked->count; i++) {
		const struct attribute_row *row = &called->row[i];
		double share = called->flows ? 100.0 * row->flows / called->flows : 0;

		service_format(&called->asked->service[i], name);
		text_add(text, "counted:   %s, %s of %s live entries (%.3f%%)", name,
			 view_count(entries, row->flows), view_count(all, called->flows),
			 share);
		if (row->flows)
			text_add(text, ", %.0f%% unreplied",
				 100.0 * row->unreplied / row->flows);
		if (row->nat)
			text_add(text, ", translated");
		if (reading->called_age_s >= 1)
			text_add(text, ", %.0f s ago", reading->called_age_s);
		text_add(text, "\n");
	}
}

void report_add(const struct view *view, const struct reading *reading, struct text *text)
{
	char entries[VIEW_COUNT_MAX], number[VIEW_COUNT_MAX];

	text_add(text, "entries:   %s of %s, %.1f%% full\n",
		 view_count(entries, reading->usage.entries),
		 view_count(number, reading->usage.limit),
		 100 * table_fill(&reading->usage));
	if (reading->sampled)
		add_expired(reading, text);
	add_tracking(reading, text);
	text_add(text, "forecast:  ");
	view_forecast(reading, text);
	if (reading->predicted)
		text_add(text, " (%s%s entries/s", reading->slope >= 0.5 ? "+" : "",
			 view_count(number, reading->slope));
	if (reading->predicted && isfinite(reading->arrivals_per_s))
		text_add(text, ", %s new/s", view_count(number, reading->arrivals_per_s));
	text_add(text, reading->predicted ? ")\n" : "\n");
	add_evictable(reading, text);
	add_counters(reading, text);
	add_untracked(reading, text);
	add_called(reading, text);
	if (reading->sampled)
		add_rows(view, reading, text);
}
