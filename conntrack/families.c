// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/families.h"

#include <math.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "conntrack/attribute.h"
#include "conntrack/attribute_name.h"
#include "conntrack/estimate.h"
#include "conntrack/labels.h"
#include "conntrack/rollcall.h"
#include "conntrack/view.h"
#include "conntrack/watch.h"
#include "lib/metrics.h"
#include "lib/text.h"

/* Of a family; of its help, the longest meaning of a counter; and namespace, service and direction. */
enum { NAME_MAX_BYTES = 96, HELP_MAX_BYTES = 256, LABELS_EACH = 3 };

/* What all families of a page are written from. */
struct page {
	const struct families_table *tables;
	size_t count;
	bool several;
	struct text *text;
};

/* A gauge that each table has one of; returns NAN if it is not known. */
struct gauge {
	const char *name;
	const char *help;
	double (*value)(const struct reading *reading);
};

static double entries(const struct reading *reading)
{
	return reading->usage.entries;
}

static double limit(const struct reading *reading)
{
	return reading->usage.limit;
}

static double fill_ratio(const struct reading *reading)
{
	return reading->usage.limit ? entries(reading) / limit(reading) : NAN;
}

/* An alarm on what is not known would never go off: this one does. */
static double netlink_up(const struct reading *reading)
{
	return !reading->missing;
}

static double active(const struct reading *reading)
{
	enum view_tracking tracking = view_tracking(reading);

	return tracking == TRACKING_UNKNOWN ? NAN : tracking == TRACKING_ON;
}

/* That it will not be full is a sample, +Inf: an alarm that went off ends by it. */
static double full_seconds(const struct reading *reading)
{
	if (reading->verdict == OUTLOOK_UNKNOWN)
		return NAN;
	return reading->verdict == OUTLOOK_FULL ? 0 : reading->full_s;
}

static double settles_entries(const struct reading *reading)
{
	return reading->verdict == OUTLOOK_UNKNOWN ? NAN : reading->settles_at;
}

static double evictable_ratio(const struct reading *reading)
{
	uint32_t flows = reading->sample.flows;

	if (!reading->sampled || !flows)
		return NAN;
	return (flows - reading->services->total.assured) / (double)flows;
}

static double sampled_entries(const struct reading *reading)
{
	return reading->sampled ? reading->sample.flows : NAN;
}

static double sample_age_seconds(const struct reading *reading)
{
	return reading->sampled ? reading->sample_age_s : NAN;
}

static double counted_age_seconds(const struct reading *reading)
{
	return reading->called ? reading->called_age_s : NAN;
}

static const struct gauge GAUGES[] = {
	{ "ctkit_conntrack_entries",
	  "Entries of the table, with expired ones that are not collected yet.",
	  entries },
	{ "ctkit_conntrack_entries_limit", "How many entries are allowed.", limit },
	{ "ctkit_conntrack_fill_ratio", "Entries divided by the limit.", fill_ratio },
	{ "ctkit_conntrack_netlink_up",
	  "Whether the kernel answers by netlink; without, little else is known.",
	  netlink_up },
	{ "ctkit_conntrack_active", "Whether connections are tracked.", active },
	{ "ctkit_conntrack_forecast_full_seconds",
	  "When the table will be full; +Inf if it will not be.", full_seconds },
	{ "ctkit_conntrack_forecast_settles_entries",
	  "The number of entries that growth slows down to.", settles_entries },
	{ "ctkit_conntrack_evictable_ratio",
	  "The share of entries that may be evicted for new ones.", evictable_ratio },
	{ "ctkit_conntrack_sampled_entries", "Entries that were last looked at.",
	  sampled_entries },
	{ "ctkit_conntrack_sample_age_seconds", "How long ago that was.",
	  sample_age_seconds },
	{ "ctkit_conntrack_counted_age_seconds",
	  "How long ago the services that were asked for were counted.",
	  counted_age_seconds },
};

/* The labels of a sample: the namespace, if need be, then what else there is, ended by no name. */
struct label_list {
	struct metrics_label label[LABELS_EACH + 1];
	size_t count;
};

static struct label_list labels_of(const struct page *page,
				   const struct families_table *table)
{
	struct label_list list = { 0 };

	/* Of one table none: dashboards and alarms need not name it. */
	if (page->several)
		list.label[list.count++] =
			(struct metrics_label){ "netns", table->netns };
	return list;
}

static void add_label(struct label_list *list, const char *name, const char *value)
{
	list->label[list->count++] = (struct metrics_label){ name, value };
}

/* A family without samples is not written. */
static void add_gauge(const struct page *page, const struct gauge *gauge)
{
	bool begun = false;

	for (size_t i = 0; i < page->count; i++) {
		const struct reading *reading = page->tables[i].reading;
		struct label_list list = labels_of(page, &page->tables[i]);
		double value = gauge->value(reading);

		if (isnan(value))
			continue;
		if (!begun)
			metrics_family(page->text, gauge->name, METRICS_GAUGE,
				       gauge->help);
		begun = true;
		metrics_number(page->text, gauge->name, list.label, value);
	}
}

/* A family of one sample for each table whose counters are known. */
static void add_counter(const struct page *page, const char *name, const char *help,
			uint64_t (*value)(const struct reading *reading, size_t index),
			size_t index)
{
	bool begun = false;

	for (size_t i = 0; i < page->count; i++) {
		const struct reading *reading = page->tables[i].reading;
		struct label_list list = labels_of(page, &page->tables[i]);

		if (!reading->counted)
			continue;
		if (!begun)
			metrics_family(page->text, name, METRICS_COUNTER, help);
		begun = true;
		metrics_integer(page->text, name, list.label, value(reading, index));
	}
}

static uint64_t total(const struct reading *reading, size_t index)
{
	return reading->totals[index];
}

static uint64_t interrupted(const struct reading *reading, size_t index)
{
	return reading->interrupted;
}

static uint64_t overruns(const struct reading *reading, size_t index)
{
	return reading->overruns;
}

static void add_counters(const struct page *page)
{
	for (size_t i = 0; i < TABLE_COUNTERS; i++) {
		char name[NAME_MAX_BYTES], help[HELP_MAX_BYTES];

		snprintf(name, sizeof(name), "ctkit_conntrack_%s_total",
			 TABLE_COUNTER[i].name);
		snprintf(help, sizeof(help), "The kernel's %s: %s.",
			 TABLE_COUNTER[i].name, TABLE_COUNTER[i].meaning);
		add_counter(page, name, help, total, i);
	}
	add_counter(page, "ctkit_conntrack_dumps_interrupted_total",
		    "Samples that had to be taken again.", interrupted, 0);
	add_counter(page, "ctkit_conntrack_netlink_overruns_total",
		    "Answers of the kernel that were lost for want of memory.", overruns,
		    0);
}

/* As JSON has it. */
static double entries_of(const struct reading *reading, uint32_t flows)
{
	const struct attribute_row row = { .flows = flows };

	return estimate_row(reading, &row).entries;
}

static void add_service(const struct page *page, const struct families_table *table,
			const struct label *label, uint32_t flows)
{
	struct label_list list = labels_of(page, table);
	char name[ATTRIBUTE_NAME_MAX] = "other";

	if (label)
		attribute_name(&label->key, name);
	add_label(&list, "service", name);
	add_label(&list, "direction", label ? attribute_direction(&label->key) : "other");
	metrics_number(page->text, "ctkit_conntrack_service_entries", list.label,
		       entries_of(table->reading, flows));
}

static void add_services(const struct page *page)
{
	bool begun = false;

	for (size_t i = 0; i < page->count; i++) {
		const struct families_table *table = &page->tables[i];

		if (!table->reading->sampled)
			continue;
		if (!begun)
			metrics_family(
				page->text, "ctkit_conntrack_service_entries",
				METRICS_GAUGE,
				"Entries by service, estimated from a sample: those "
				"that had a percent of them, the rest is other.");
		begun = true;
		/* All that have a label, also with no flows now: a series that ends looks like a failed scrape. */
		for (size_t j = 0; j < table->labels->count; j++)
			add_service(page, table, &table->labels->label[j],
				    table->labels->label[j].flows);
		add_service(page, table, NULL, table->labels->other);
	}
}

static void add_called(const struct page *page)
{
	static const char NAME[] = "ctkit_conntrack_counted_entries";
	bool begun = false;

	for (size_t i = 0; i < page->count; i++) {
		const struct rollcall *called = page->tables[i].reading->called;

		if (!called)
			continue;
		if (!begun)
			metrics_family(page->text, NAME, METRICS_GAUGE,
				       "Entries of the services that were asked for, "
				       "counted exactly.");
		begun = true;
		for (size_t j = 0; j < called->asked->count; j++) {
			struct label_list list = labels_of(page, &page->tables[i]);
			char name[SERVICE_TEXT_MAX];

			service_format(&called->asked->service[j], name);
			add_label(&list, "service", name);
			metrics_number(page->text, NAME, list.label,
				       called->row[j].flows);
		}
	}
}

/* Protocols are as many as a sender likes: few have a name of their own. */
static bool has_state(const struct attribute_key *key)
{
	return key->proto == IPPROTO_TCP || key->proto == IPPROTO_UDP;
}

static void add_state(const struct page *page, const struct families_table *table,
		      const char *state, uint32_t flows)
{
	struct label_list list = labels_of(page, table);

	add_label(&list, "state", state);
	metrics_number(page->text, "ctkit_conntrack_state_entries", list.label,
		       entries_of(table->reading, flows));
}

static void add_states_of(const struct page *page, const struct families_table *table)
{
	const struct reading *reading = table->reading;
	uint32_t other = reading->states->other.flows;

	for (size_t i = 0; i < reading->states->count; i++) {
		const struct attribute_row *row = &reading->states->rows[i];
		char name[ATTRIBUTE_NAME_MAX];

		if (!has_state(&row->key)) {
			other += row->flows;
			continue;
		}
		attribute_name(&row->key, name);
		add_state(page, table, name, row->flows);
	}
	add_state(page, table, "other", other);
}

static void add_states(const struct page *page)
{
	bool begun = false;

	for (size_t i = 0; i < page->count; i++) {
		if (!page->tables[i].reading->sampled)
			continue;
		if (!begun)
			metrics_family(page->text, "ctkit_conntrack_state_entries",
				       METRICS_GAUGE,
				       "Entries by protocol and state, estimated from "
				       "a sample.");
		begun = true;
		add_states_of(page, &page->tables[i]);
	}
}

void families_add(const struct families_table *tables, size_t count, bool several,
		  struct text *text)
{
	const struct page page = { tables, count, several, text };

	for (size_t i = 0; i < sizeof(GAUGES) / sizeof(GAUGES[0]); i++)
		add_gauge(&page, &GAUGES[i]);
	add_counters(&page);
	add_services(&page);
	add_called(&page);
	add_states(&page);
}

/* The counters that node_exporter has; "ignore" is one that kernels no longer count. */
static const char *const NODE_COUNTERS[] = {
	"found", "invalid",    "insert",         "insert_failed",
	"drop",  "early_drop", "search_restart",
};

static void add_node_counter(const struct reading *reading, const char *name,
			     struct text *text)
{
	char family[NAME_MAX_BYTES], help[HELP_MAX_BYTES];

	for (size_t i = 0; i < TABLE_COUNTERS; i++) {
		if (strcmp(TABLE_COUNTER[i].name, name) != 0)
			continue;
		snprintf(family, sizeof(family), "node_nf_conntrack_stat_%s", name);
		snprintf(help, sizeof(help), "The kernel's conntrack counter %s.", name);
		/* Gauges, as node_exporter says, though they count. */
		metrics_family(text, family, METRICS_GAUGE, help);
		metrics_integer(text, family, NULL, reading->totals[i]);
	}
}

void families_add_node(const struct reading *reading, struct text *text)
{
	metrics_gauge(text, "node_nf_conntrack_entries",
		      "Entries of the conntrack table.", reading->usage.entries);
	metrics_gauge(text, "node_nf_conntrack_entries_limit",
		      "How many entries are allowed.", reading->usage.limit);
	if (!reading->counted)
		return;
	metrics_gauge(text, "node_nf_conntrack_stat_ignore",
		      "Always 0: kernels no longer count this.", 0);
	for (size_t i = 0; i < sizeof(NODE_COUNTERS) / sizeof(NODE_COUNTERS[0]); i++)
		add_node_counter(reading, NODE_COUNTERS[i], text);
}
