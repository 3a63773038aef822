// SPDX-License-Identifier: GPL-2.0-or-later
#include <math.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conntrack/export.h"
#include "conntrack/rollcall.h"
#include "conntrack/view.h"
#include "conntrack/watch.h"

static const struct view VIEW = { .top = 1 };

/* Whether the member has that JSON text. */
static void assert_member(const json_t *object, const char *name, const char *wanted)
{
	const json_t *member = json_object_get(object, name);
	char *text = json_dumps(member,
				JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));

	assert_non_null(member);
	assert_string_equal(text, wanted);
	free(text);
}

static void what_is_not_known_is_null(void **state)
{
	static const char *const NULLS[] = {
		"active",
		"arrivals_per_second",
		"counted",
		"counters",
		"counters_delta",
		"counters_per_second",
		"overflow_drop_ratio",
		"evictable_ratio",
		"sampled",
		"services",
		"sample_age_seconds",
		"sample_complete",
		"sources",
		"states",
		"processes",
		"live_entries",
		"live_entries_at_least",
	};
	const struct reading reading = {
		.netns = "host",
		.missing = -1,
		.usage = { .entries = 50, .limit = 200 },
		.full_s = INFINITY,
		.settles_at = NAN,
		.arrivals_per_s = NAN,
	};
	struct reading empty = reading;
	json_t *object = export_reading(&VIEW, &reading);

	assert_member(object, "entries", "50");
	assert_member(object, "limit", "200");
	assert_member(object, "fill_ratio", "0.25");
	assert_member(object, "forecast",
		      "{\"outlook\":\"unknown\",\"full_in_seconds\":null,"
		      "\"settles_at_entries\":null,"
		      "\"slope_per_second\":null}");
	json_decref(object);
	empty.usage = (struct table_usage){ 0 };
	object = export_reading(&VIEW, &empty);
	assert_member(object, "fill_ratio", "null");
	for (size_t i = 0; i < sizeof(NULLS) / sizeof(NULLS[0]); i++)
		assert_member(object, NULLS[i], "null");
	json_decref(object);
}

static void a_forecast_is_in_numbers(void **state)
{
	struct reading reading = {
		.netns = "host",
		.usage = { .entries = 50, .limit = 200 },
		.predicted = true,
		.slope = 10,
		.full_s = 15,
		.verdict = OUTLOOK_FILLS,
		.settles_at = NAN,
		.arrivals_per_s = 12.5,
	};
	json_t *object = export_reading(&VIEW, &reading);

	assert_member(object, "forecast",
		      "{\"outlook\":\"fills\",\"full_in_seconds\":15.0,"
		      "\"settles_at_entries\":null,"
		      "\"slope_per_second\":10.0}");
	assert_member(object, "arrivals_per_second", "12.5");
	json_decref(object);
	reading.settles_at = 150;
	reading.verdict = OUTLOOK_SETTLES;
	reading.full_s = INFINITY;
	object = export_reading(&VIEW, &reading);
	assert_member(object, "forecast",
		      "{\"outlook\":\"settles\",\"full_in_seconds\":null,"
		      "\"settles_at_entries\":150,"
		      "\"slope_per_second\":10.0}");
	json_decref(object);
}

static void counters_are_totals_and_rates(void **state)
{
	struct reading reading = {
		.netns = "host",
		.counted = true,
		.counters = { .drop = 9, .insert = 4 },
		.since = { .drop = 3 },
		.since_s = 2,
	};
	json_t *object = export_reading(&VIEW, &reading);
	const json_t *totals = json_object_get(object, "counters");

	assert_int_equal(json_object_size(totals), TABLE_COUNTERS);
	assert_member(totals, "drop", "9");
	assert_member(totals, "insert", "4");
	assert_member(json_object_get(object, "counters_delta"), "drop", "3");
	assert_member(json_object_get(object, "counters_per_second"), "drop", "1.5");
	json_decref(object);
	reading.since_s = 0;
	object = export_reading(&VIEW, &reading);
	assert_member(object, "counters_per_second", "null");
	json_decref(object);
}

static void services_are_named_and_the_rest_is_other(void **state)
{
	static struct attribute services = {
		.total = { .flows = 100, .assured = 25 },
		.count = 2,
		.rows = {
			{ .key = { .kind = ATTRIBUTE_IN, .proto = IPPROTO_UDP, .port = 53 },
			  .inode = 7, .flows = 80, .unreplied = 20, .nat = 1 },
			{ .key = { .kind = ATTRIBUTE_OUT, .proto = IPPROTO_TCP, .port = 25 },
			  .flows = 20, .assured = 20 },
		},
	};
	const struct process process = {
		.inode = 7, .pid = 12, .count = 3, .name = "dns"
	};
	const struct reading reading = {
		.netns = "host",
		.usage = { .entries = 1000, .limit = 2000 },
		.active = ACTIVE_YES,
		.sampled = true,
		.sample = { .flows = 100, .complete = true },
		.services = &services,
		.sources = &services,
		.states = &services,
		.holders = &services,
		.processes = 1,
		.process = &process,
	};
	json_t *object = export_reading(&VIEW, &reading);
	const json_t *rows = json_object_get(object, "services");

	assert_int_equal(json_array_size(rows), 2);
	assert_member(json_array_get(rows, 0), "service", "\"udp/53\"");
	assert_member(json_array_get(rows, 0), "entries", "80");
	assert_member(json_array_get(rows, 0), "process", "\"dns\"");
	assert_member(json_array_get(rows, 0), "pid", "12");
	assert_member(json_array_get(rows, 0), "processes", "3");
	assert_member(json_array_get(rows, 0), "entries_error", "0");
	assert_member(json_array_get(rows, 0), "unreplied_ratio", "0.25");
	assert_member(json_array_get(rows, 0), "nat", "true");
	assert_member(json_array_get(rows, 1), "service", "\"other\"");
	assert_member(json_array_get(rows, 1), "direction", "null");
	assert_member(json_array_get(rows, 1), "entries", "20");
	assert_member(json_array_get(rows, 1), "assured_ratio", "1.0");
	assert_member(object, "evictable_ratio", "0.75");
	assert_member(object, "overflow_drop_ratio", "2.32831e-10");
	assert_member(object, "sampled", "100");
	assert_member(object, "live_entries", "100");
	assert_member(object, "live_entries_at_least", "100");
	assert_member(object, "entries", "1000");
	json_decref(object);
}

static void what_was_asked_for_is_there_with_its_age(void **state)
{
	const struct rollcall_list asked = {
		.count = 2,
		.service = { { .proto = IPPROTO_UDP, .first_port = 53, .last_port = 53 },
			     { .proto = IPPROTO_TCP,
			       .first_port = 22,
			       .last_port = 23 } },
	};
	const struct rollcall called = {
		.asked = &asked,
		.flows = 8,
		.row = { { .flows = 4, .unreplied = 1, .assured = 2, .nat = 1 } },
	};
	const struct reading reading = { .netns = "host",
					 .called = &called,
					 .called_age_s = 2.5 };
	json_t *object = export_reading(&VIEW, &reading);

	assert_member(object, "counted",
		      "[{\"service\":\"udp/53\",\"entries\":4,\"share\":0.5,"
		      "\"unreplied_ratio\":0.25,\"assured_ratio\":0.5,\"nat\":true,"
		      "\"age_seconds\":2.5},{\"service\":\"tcp/22-23\",\"entries\":0,"
		      "\"share\":0.0,\"unreplied_ratio\":null,\"assured_ratio\":null,"
		      "\"nat\":false,\"age_seconds\":2.5}]");
	json_decref(object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_known_is_null),
		cmocka_unit_test(a_forecast_is_in_numbers),
		cmocka_unit_test(counters_are_totals_and_rates),
		cmocka_unit_test(services_are_named_and_the_rest_is_other),
		cmocka_unit_test(what_was_asked_for_is_there_with_its_age),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
