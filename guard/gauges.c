// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/gauges.h"

#include <stdio.h>

#include "guard/config.h"
#include "guard/deeds.h"
#include "guard/journal.h"
#include "guard/lease.h"
#include "guard/policy.h"
#include "guard/status.h"
#include "lib/metrics.h"
#include "lib/text.h"

enum { NAME_MAX_BYTES = 96, HELP_MAX_BYTES = 256 };

static void add_table(const struct gauges *gauges, struct text *text)
{
	const struct policy_view *view = gauges->status->view;

	metrics_gauge(text, "ctkit_conntrack_entries",
		      "Entries of the table, with expired ones that are not collected "
		      "yet.",
		      view->entries);
	metrics_gauge(text, "ctkit_conntrack_entries_limit",
		      "How many entries are allowed.", view->limit);
	metrics_gauge(text, "ctkit_conntrack_forecast_full_seconds",
		      "When the table will be full; +Inf if it will not be.",
		      view->full_in_s);
	for (size_t i = 0; gauges->counters && i < TABLE_COUNTERS; i++) {
		char name[NAME_MAX_BYTES], help[HELP_MAX_BYTES];

		snprintf(name, sizeof(name), "ctkit_conntrack_%s_total",
			 TABLE_COUNTER[i].name);
		snprintf(help, sizeof(help), "The kernel's %s: %s.",
			 TABLE_COUNTER[i].name, TABLE_COUNTER[i].meaning);
		metrics_counter(text, name, help, gauges->counters[i]);
	}
}

/* A family with a sample for each configured service. */
static void add_services(const struct gauges *gauges, const char *name,
			 enum metrics_type type, const char *help,
			 double (*value)(const struct status *status, size_t i),
			 struct text *text)
{
	const struct policy_view *view = gauges->status->view;

	metrics_family(text, name, type, help);
	for (size_t i = 0; i < view->count; i++) {
		const struct metrics_label labels[] = {
			{ "service", view->services[i].name },
			{ NULL, NULL },
		};

		metrics_number(text, name, labels, value(gauges->status, i));
	}
}

static double stock(const struct status *status, size_t i)
{
	return status->view->services[i].stock;
}

static double untracked(const struct status *status, size_t i)
{
	return leases_engaged(status->leases, i);
}

static double untracked_ratio(const struct status *status, size_t i)
{
	return (double)leases_percent(status->leases, i) / POLICY_WHOLE;
}

static double untracked_packets(const struct status *status, size_t i)
{
	return (double)leases_packets(status->leases, i);
}

static void add_decisions(const struct deeds *deeds, struct text *text)
{
	static const char NAME[] = "ctkit_guard_decision_seconds";

	metrics_family(text, NAME, METRICS_HISTOGRAM,
		       "From the look at the table that triggered until the rule was "
		       "committed.");
	metrics_histogram(text, NAME, NULL, DEEDS_BOUND_S, deeds->decisions, DEEDS_BOUNDS,
			  deeds->decisions_s);
	metrics_counter(text, "ctkit_guard_engagements_total",
			"Times that a service was taken out of tracking.",
			deeds->engagements);
	metrics_counter(text, "ctkit_guard_releases_total",
			"Times that a service was given back.", deeds->releases);
	metrics_counter(text, "ctkit_guard_restorations_total",
			"Times that a service's rules were put back after another tool "
			"replaced the ruleset.",
			deeds->restorations);
	metrics_counter(text, "ctkit_guard_failures_total",
			"Changes of rules that failed.", deeds->failures);
}

static void add_state(const struct status *status, const struct deeds *deeds,
		      struct text *text)
{
	metrics_gauge(text, "ctkit_guard_helpless",
		      "Whether the table fills and nothing that is allowed helps.",
		      status->state == STATUS_HELPLESS);
	metrics_gauge(text, "ctkit_guard_paused", "Whether it is paused by order.",
		      status->state == STATUS_PAUSED);
	metrics_gauge(text, "ctkit_guard_standing_down",
		      "Whether it stands down because its table was deleted on purpose.",
		      status->state == STATUS_STANDING_DOWN);
	metrics_gauge(text, "ctkit_guard_dry_run", "Whether it changes nothing.",
		      status->rehearse);
	metrics_counter(text, "ctkit_guard_looks_total", "Looks at the table.",
			deeds->looks);
	metrics_counter(text, "ctkit_guard_errors_total",
			"Looks and readings that failed.", status->errors);
	metrics_counter(text, "ctkit_guard_events_unwritten_total",
			"Events that standard output or the journal did not take.",
			status->journal->lost + status->journal->unkept);
}

void gauges_add(const struct gauges *gauges, struct text *text)
{
	metrics_build_info(text, "ctguard");
	add_table(gauges, text);
	add_services(gauges, "ctkit_conntrack_service_entries", METRICS_GAUGE,
		     "Entries of a service that may be taken out, at the last sample.",
		     stock, text);
	add_services(gauges, "ctkit_guard_untracked", METRICS_GAUGE,
		     "Whether the service is out of tracking.", untracked, text);
	add_services(gauges, "ctkit_guard_untracked_ratio", METRICS_GAUGE,
		     "How much of the service's flows is out of tracking: 0 to 1.",
		     untracked_ratio, text);
	add_services(gauges, "ctkit_guard_untracked_packets_total", METRICS_COUNTER,
		     "Untracked packets towards the service while it was out.",
		     untracked_packets, text);
	add_decisions(gauges->deeds, text);
	add_state(gauges->status, gauges->deeds, text);
	metrics_process(text);
}
