// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/export.h"

#include <math.h>

#include "conntrack/attribute.h"
#include "conntrack/attribute_name.h"
#include "conntrack/estimate.h"
#include "conntrack/rollcall.h"
#include "conntrack/untracked.h"
#include "conntrack/view.h"
#include "conntrack/watch.h"

/* JSON has no infinity: what will never be is null, as what is not known. */
static json_t *number(bool known, double value)
{
	return known && isfinite(value) ? json_real(value) : json_null();
}

static json_t *ratio(uint32_t part, uint32_t whole)
{
	return number(whole != 0, (double)part / whole);
}

static json_t *active(const struct reading *reading)
{
	switch (view_tracking(reading)) {
	case TRACKING_ON: return json_true();
	case TRACKING_OFF: return json_false();
	default: return json_null();
	}
}

/* A table that is full is known to be without any history. */
static json_t *forecast(const struct reading *reading)
{
	return json_pack(
		"{s:s, s:o, s:o, s:o}", "outlook", outlook_name(reading->verdict),
		"full_in_seconds",
		number(reading->predicted || reading->full_s <= 0, reading->full_s),
		"settles_at_entries",
		isfinite(reading->settles_at)
			? json_integer((json_int_t)reading->settles_at)
			: json_null(),
		"slope_per_second", number(reading->predicted, reading->slope));
}

static json_t *counters(bool counted, const struct table_counters *c)
{
	json_t *object;

	if (!counted)
		return json_null();
	object = json_object();
	for (size_t i = 0; i < TABLE_COUNTERS; i++)
		json_object_set_new(
			object, TABLE_COUNTER[i].name,
			json_integer(table_counter_value(c, &TABLE_COUNTER[i])));
	return object;
}

/* By when the reader saw the numbers before, not by the interval: a late line has more in it. */
static json_t *rates(const struct reading *reading)
{
	json_t *object;

	if (!reading->counted || reading->since_s <= 0)
		return json_null();
	object = json_object();
	for (size_t i = 0; i < TABLE_COUNTERS; i++) {
		double gained = table_counter_value(&reading->since, &TABLE_COUNTER[i]);

		json_object_set_new(object, TABLE_COUNTER[i].name,
				    json_real(gained / reading->since_s));
	}
	return object;
}

/* The members that rows of all kinds have; member is what their name is called. */
static json_t *row_object(const struct reading *reading, const struct attribute_row *row,
			  const char *member, const char *name)
{
	struct estimate estimate = estimate_row(reading, row);

	/* Errors are rounded up: what is said of them is to be true. */
	return json_pack("{s:s, s:I, s:I, s:f, s:f}", member, name, "entries",
			 (json_int_t)(estimate.entries + 0.5), "entries_error",
			 (json_int_t)ceil(estimate.entries_error), "share",
			 estimate.share, "share_error", estimate.share_error);
}

/* The rest of a service; key is NULL for "other". */
static json_t *service_object(const struct reading *reading,
			      const struct attribute_row *row, const char *name,
			      const struct attribute_key *key)
{
	json_t *object = row_object(reading, row, "service", name);
	const struct process *process = view_holder(reading, row);

	json_object_set_new(object, "direction",
			    key ? json_string(attribute_direction(key)) : json_null());
	json_object_set_new(object, "process",
			    process ? json_string(process->name) : json_null());
	json_object_set_new(object, "pid",
			    process ? json_integer(process->pid) : json_null());
	json_object_set_new(object, "processes",
			    process ? json_integer(process->count) : json_null());
	json_object_set_new(object, "unreplied_ratio", ratio(row->unreplied, row->flows));
	json_object_set_new(object, "assured_ratio", ratio(row->assured, row->flows));
	json_object_set_new(object, "nat", json_boolean(row->nat != 0));
	return object;
}

static json_t *services(const struct view *view, const struct reading *reading)
{
	struct view_rows rows;
	json_t *array;

	if (!reading->sampled)
		return json_null();
	rows = view_top(reading->services, view->top);
	array = json_array();
	for (size_t i = 0; i < rows.count; i++) {
		char name[ATTRIBUTE_NAME_MAX];

		attribute_name(&rows.rows[i].key, name);
		json_array_append_new(array, service_object(reading, &rows.rows[i], name,
							    &rows.rows[i].key));
	}
	if (rows.other.flows)
		json_array_append_new(
			array, service_object(reading, &rows.other, "other", NULL));
	return array;
}

static json_t *named_rows(const struct view *view, const struct reading *reading,
			  const struct attribute *attribute, const char *member)
{
	struct view_rows rows;
	json_t *array;

	if (!reading->sampled)
		return json_null();
	rows = view_top(attribute, view->top);
	array = json_array();
	for (size_t i = 0; i < rows.count; i++) {
		char name[ATTRIBUTE_NAME_MAX];

		attribute_name(&rows.rows[i].key, name);
		json_array_append_new(array,
				      row_object(reading, &rows.rows[i], member, name));
	}
	if (rows.other.flows)
		json_array_append_new(array,
				      row_object(reading, &rows.other, member, "other"));
	return array;
}

/* How many of the entries are live, as far as is known. */
static void set_live(json_t *object, const struct reading *reading)
{
	struct estimate_live live = estimate_live(reading);
	bool sampled = reading->sampled, exact = sampled && live.exact;

	json_object_set_new(object, "live_entries",
			    exact ? json_integer((json_int_t)live.most) : json_null());
	json_object_set_new(object, "live_entries_about",
			    sampled ? json_integer(llround(live.about)) : json_null());
	json_object_set_new(object, "live_entries_at_least",
			    sampled ? json_integer((json_int_t)live.least) : json_null());
}

static json_t *untracked_service(const struct untracked_service *service)
{
	return json_pack("{s:s, s:I, s:I, s:o, s:o, s:o}", "service", service->name,
			 "in_packets", (json_int_t)service->in_packets, "out_packets",
			 (json_int_t)service->out_packets, "in_packets_per_second",
			 number(service->rated, service->in_rate),
			 "out_packets_per_second",
			 number(service->rated, service->out_rate), "lease_seconds_left",
			 number(service->ends, (double)service->left_ms / 1000));
}

static json_t *untracked(const struct reading *reading)
{
	json_t *array;

	if (!reading->untracked)
		return json_null();
	array = json_array();
	for (size_t i = 0; i < reading->untracked->count; i++)
		json_array_append_new(
			array, untracked_service(&reading->untracked->services[i]));
	return array;
}

static json_t *called_service(const struct reading *reading, size_t i)
{
	const struct attribute_row *row = &reading->called->row[i];
	char name[SERVICE_TEXT_MAX];

	service_format(&reading->called->asked->service[i], name);
	return json_pack("{s:s, s:I, s:o, s:o, s:o, s:b, s:f}", "service", name,
			 "entries", (json_int_t)row->flows, "share",
			 ratio(row->flows, reading->called->flows), "unreplied_ratio",
			 ratio(row->unreplied, row->flows), "assured_ratio",
			 ratio(row->assured, row->flows), "nat", row->nat != 0,
			 "age_seconds", reading->called_age_s);
}

static json_t *called(const struct reading *reading)
{
	json_t *array;

	if (!reading->called)
		return json_null();
	array = json_array();
	for (size_t i = 0; i < reading->called->asked->count; i++)
		json_array_append_new(array, called_service(reading, i));
	return array;
}

json_t *export_reading(const struct view *view, const struct reading *reading)
{
	double evictable = view_evictable(reading), drops = view_overflow_drops(reading);
	bool sampled = reading->sampled;
	json_t *object = json_pack(
		"{s:s, s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:o}", "netns", reading->netns,
		"active", active(reading), "entries", (json_int_t)reading->usage.entries,
		"limit", (json_int_t)reading->usage.limit, "fill_ratio",
		ratio(reading->usage.entries, reading->usage.limit), "evictable_ratio",
		number(!isnan(evictable), evictable), "arrivals_per_second",
		number(reading->predicted, reading->arrivals_per_s), "forecast",
		forecast(reading), "counters",
		counters(reading->counted, &reading->counters));

	/*
	 * If there was no memory object is NULL: these calls then free what they are given, and
	 * fail.
	 */
	json_object_set_new(object, "counters_delta",
			    counters(reading->counted, &reading->since));
	json_object_set_new(object, "counters_per_second", rates(reading));
	json_object_set_new(object, "overflow_drop_ratio", number(!isnan(drops), drops));
	set_live(object, reading);
	json_object_set_new(object, "sampled",
			    sampled ? json_integer(reading->sample.flows) : json_null());
	json_object_set_new(object, "sample_complete",
			    sampled ? json_boolean(reading->sample.complete)
				    : json_null());
	json_object_set_new(object, "sample_age_seconds",
			    number(sampled, reading->sample_age_s));
	json_object_set_new(object, "sockets_left_out",
			    sampled ? json_integer((json_int_t)reading->left_out)
				    : json_null());
	json_object_set_new(object, "dumps_interrupted",
			    sampled ? json_integer((json_int_t)reading->interrupted)
				    : json_null());
	json_object_set_new(object, "netlink_overruns",
			    sampled ? json_integer((json_int_t)reading->overruns)
				    : json_null());
	json_object_set_new(object, "untracked", untracked(reading));
	json_object_set_new(object, "counted", called(reading));
	json_object_set_new(object, "services", services(view, reading));
	json_object_set_new(object, "sources",
			    named_rows(view, reading, reading->sources, "prefix"));
	json_object_set_new(object, "states",
			    named_rows(view, reading, reading->states, "state"));
	json_object_set_new(object, "processes",
			    named_rows(view, reading, reading->holders, "process"));
	return object;
}
