// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/gauges.h"

#include <stdio.h>

#include "conntrack/table.h"
#include "guard/config.h"
#include "guard/deeds.h"
#include "guard/journal.h"
#include "guard/lease.h"
#include "guard/policy.h"
#include "guard/roll.h"
#include "guard/status.h"
#include "lib/metrics.h"
#include "lib/text.h"

enum { NAME_MAX_BYTES = 96, HELP_MAX_BYTES = 256 };

/* Namespace, service, and the end */
enum { LABELS_MAX = 3 };

/* Those of a table, and of a service in it (NULL: none); ended by NULL. */
static void make_labels(const struct status_table *table, const char *service,
			struct metrics_label labels[LABELS_MAX])
{
	size_t count = 0;

	if (table->label)
		labels[count++] = (struct metrics_label){ "netns", table->label };
	if (service)
		labels[count++] = (struct metrics_label){ "service", service };
	labels[count] = (struct metrics_label){ 0 };
}

/* A family with a sample for each table. */
static void add_tables(const struct status *status, const char *name,
		       enum metrics_type type, const char *help,
		       double (*value)(const struct status_table *table),
		       struct text *text)
{
	/* The format wants all samples of a family together: so tables are the inner loop. */
	metrics_family(text, name, type, help);
	for (size_t t = 0; t < status->count; t++) {
		const struct status_table *table = &status->tables[t];
		struct metrics_label labels[LABELS_MAX];

		make_labels(table, NULL, labels);
		metrics_number(text, name, labels, value(table));
	}
}

static double entries(const struct status_table *table)
{
	return table->view->entries;
}

static double limit(const struct status_table *table)
{
	return table->view->limit;
}

static double full_in(const struct status_table *table)
{
	return table->view->full_in_s;
}

static void add_table(const struct status *status, struct text *text)
{
	add_tables(status, "ctkit_conntrack_entries", METRICS_GAUGE,
		   "Entries of the table, with expired ones that are not collected yet.",
		   entries, text);
	add_tables(status, "ctkit_conntrack_entries_limit", METRICS_GAUGE,
		   "How many entries are allowed.", limit, text);
	add_tables(status, "ctkit_conntrack_forecast_full_seconds", METRICS_GAUGE,
		   "When the table will be full; +Inf if it will not be.", full_in, text);
}

/* Of the tables of which it is known. */
static void add_totals(const struct status *status, const char *name, size_t counter,
		       struct text *text)
{
	for (size_t t = 0; t < status->count; t++) {
		const struct status_table *table = &status->tables[t];
		struct metrics_label labels[LABELS_MAX];

		make_labels(table, NULL, labels);
		if (table->totals)
			metrics_integer(text, name, labels, table->totals[counter]);
	}
}

/* What the kernel counted. */
static void add_kernel(const struct status *status, struct text *text)
{
	for (size_t i = 0; i < TABLE_COUNTERS; i++) {
		char name[NAME_MAX_BYTES], help[HELP_MAX_BYTES];

		snprintf(name, sizeof(name), "ctkit_conntrack_%s_total",
			 TABLE_COUNTER[i].name);
		snprintf(help, sizeof(help), "The kernel's %s: %s.",
			 TABLE_COUNTER[i].name, TABLE_COUNTER[i].meaning);
		metrics_family(text, name, METRICS_COUNTER, help);
		add_totals(status, name, i, text);
	}
}

/* A family with a sample for each configured service. */
static void add_services(const struct status *status, const char *name,
			 enum metrics_type type, const char *help,
			 double (*value)(const struct status_table *table, size_t i),
			 struct text *text)
{
	metrics_family(text, name, type, help);
	for (size_t t = 0; t < status->count; t++) {
		const struct status_table *table = &status->tables[t];

		for (size_t i = 0; i < table->view->count; i++) {
			struct metrics_label labels[LABELS_MAX];

			make_labels(table, table->view->services[i].name, labels);
			metrics_number(text, name, labels, value(table, i));
		}
	}
}

static double stock(const struct status_table *table, size_t i)
{
	return table->view->services[i].stock;
}

static double untracked(const struct status_table *table, size_t i)
{
	return leases_engaged(table->leases, i);
}

static double untracked_ratio(const struct status_table *table, size_t i)
{
	return (double)leases_percent(table->leases, i) / POLICY_WHOLE;
}

/* Falls to 0 with the rules: Prometheus takes that for a counter that began anew. */
static double untracked_packets(const struct status_table *table, size_t i)
{
	return (double)leases_packets(table->leases, i);
}

static double engagements(const struct status_table *table)
{
	return (double)table->deeds->engagements;
}

static double releases(const struct status_table *table)
{
	return (double)table->deeds->releases;
}

static double restorations(const struct status_table *table)
{
	return (double)table->deeds->restorations;
}

static double failures(const struct status_table *table)
{
	return (double)table->deeds->failures;
}

static void add_decisions(const struct status *status, struct text *text)
{
	static const char NAME[] = "ctkit_guard_decision_seconds";

	metrics_family(text, NAME, METRICS_HISTOGRAM,
		       "From the look at the table that triggered until the rule was "
		       "committed.");
	for (size_t t = 0; t < status->count; t++) {
		const struct deeds *deeds = status->tables[t].deeds;
		struct metrics_label labels[LABELS_MAX];

		make_labels(&status->tables[t], NULL, labels);
		metrics_histogram(text, NAME, labels, DEEDS_BOUND_S, deeds->decisions,
				  DEEDS_BOUNDS, deeds->decisions_s);
	}
	add_tables(status, "ctkit_guard_engagements_total", METRICS_COUNTER,
		   "Times that a service was taken out of tracking.", engagements, text);
	add_tables(status, "ctkit_guard_releases_total", METRICS_COUNTER,
		   "Times that a service was given back.", releases, text);
	add_tables(status, "ctkit_guard_restorations_total", METRICS_COUNTER,
		   "Times that a service's rules were put back after another tool "
		   "replaced the ruleset.",
		   restorations, text);
	add_tables(status, "ctkit_guard_failures_total", METRICS_COUNTER,
		   "Changes of rules that failed.", failures, text);
}

static double is_helpless(const struct status_table *table)
{
	return table->state == STATUS_HELPLESS;
}

static double is_paused(const struct status_table *table)
{
	return table->state == STATUS_PAUSED;
}

static double stands_down(const struct status_table *table)
{
	return table->state == STATUS_STANDING_DOWN;
}

static double looks(const struct status_table *table)
{
	return (double)table->deeds->looks;
}

static double errors(const struct status_table *table)
{
	return (double)table->errors;
}

static void add_state(const struct status *status, struct text *text)
{
	add_tables(status, "ctkit_guard_helpless", METRICS_GAUGE,
		   "Whether the table fills and nothing that is allowed helps.",
		   is_helpless, text);
	add_tables(status, "ctkit_guard_paused", METRICS_GAUGE,
		   "Whether it is paused by order.", is_paused, text);
	add_tables(status, "ctkit_guard_standing_down", METRICS_GAUGE,
		   "Whether it stands down because its table was deleted on purpose.",
		   stands_down, text);
	metrics_gauge(text, "ctkit_guard_dry_run", "Whether it changes nothing.",
		      status->rehearse);
	add_tables(status, "ctkit_guard_looks_total", METRICS_COUNTER,
		   "Looks at the table.", looks, text);
	add_tables(status, "ctkit_guard_errors_total", METRICS_COUNTER,
		   "Looks and readings that failed.", errors, text);
	metrics_counter(text, "ctkit_guard_events_unwritten_total",
			"Events that standard output or the journal did not take.",
			status->journal->lost + status->journal->unkept);
}

static void add_roll(const struct status *status, struct text *text)
{
	metrics_gauge(text, "ctkit_guard_registered_programs",
		      "Programs that have registered what they serve.",
		      (double)roll_programs(status->roll));
	metrics_counter(text, "ctkit_guard_reported_eperm_total",
			"Sends of those that the kernel did not permit, as when a table "
			"is full.",
			roll_eperm(status->roll));
}

void gauges_add(const struct status *status, struct text *text)
{
	metrics_build_info(text, "ctguard");
	add_table(status, text);
	add_kernel(status, text);
	add_services(status, "ctkit_conntrack_service_entries", METRICS_GAUGE,
		     "Entries of a service that may be taken out, at the last sample.",
		     stock, text);
	add_services(status, "ctkit_guard_untracked", METRICS_GAUGE,
		     "Whether the service is out of tracking.", untracked, text);
	add_services(status, "ctkit_guard_untracked_ratio", METRICS_GAUGE,
		     "How much of the service's flows is out of tracking: 0 to 1.",
		     untracked_ratio, text);
	add_services(status, "ctkit_guard_untracked_packets_total", METRICS_COUNTER,
		     "Untracked packets towards the service while it was out.",
		     untracked_packets, text);
	add_decisions(status, text);
	add_state(status, text);
	add_roll(status, text);
	metrics_process(text);
}
