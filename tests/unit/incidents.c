// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "guard/incidents.h"
#include "lib/text.h"

/* The incidents of events that are written as JSON. */
static json_t *find(const char *events)
{
	json_t *list = json_loads(events, 0, NULL);
	json_t *incidents;

	assert_non_null(list);
	incidents = incidents_find(list);
	json_decref(list);
	assert_non_null(incidents);
	return incidents;
}

static const char *member(const json_t *incidents, size_t i, const char *name)
{
	return json_string_value(json_object_get(json_array_get(incidents, i), name));
}

static void an_incident_lasts_until_all_services_are_back(void **state)
{
	json_t *incidents = find("[{\"event\":\"start\",\"time\":\"0\"},"
				 "{\"event\":\"engage\",\"time\":\"1\",\"service\":\"udp/"
				 "1\",\"why\":\"a\",\"entries\":7,\"limit\":9},"
				 "{\"event\":\"engage\",\"time\":\"2\",\"service\":\"udp/"
				 "2\",\"why\":\"b\",\"entries\":5,\"limit\":9},"
				 "{\"event\":\"release\",\"time\":\"3\",\"service\":"
				 "\"udp/1\",\"why\":\"c\"},"
				 "{\"event\":\"release\",\"time\":\"4\",\"service\":"
				 "\"udp/2\",\"why\":\"d\"},"
				 "{\"event\":\"engage\",\"time\":\"5\",\"service\":\"udp/"
				 "1\",\"why\":\"e\"}]");
	const json_t *first = json_array_get(incidents, 0);

	assert_int_equal(json_array_size(incidents), 2);
	assert_string_equal(member(incidents, 0, "from"), "1");
	assert_string_equal(member(incidents, 0, "to"), "4");
	assert_string_equal(member(incidents, 0, "why"), "a");
	assert_int_equal(json_integer_value(json_object_get(first, "entries_max")), 7);
	assert_int_equal(json_array_size(json_object_get(first, "services")), 2);
	assert_int_equal(json_array_size(json_object_get(first, "events")), 4);
	assert_string_equal(member(incidents, 1, "from"), "5");
	assert_null(member(incidents, 1, "to"));
	json_decref(incidents);
}

static void the_most_entries_are_told_of_the_limit_of_then(void **state)
{
	json_t *incidents =
		find("[{\"event\":\"engage\",\"service\":\"udp/1\",\"entries\":7,"
		     "\"limit\":9},"
		     "{\"event\":\"engage\",\"service\":\"udp/2\",\"entries\":6,"
		     "\"limit\":5}]");
	struct text text = { 0 };

	incidents_list(incidents, &text);
	assert_non_null(strstr(text_str(&text), "7 of 9 entries"));
	text_free(&text);
	json_decref(incidents);
}

static void a_guard_that_ended_ends_its_incident(void **state)
{
	json_t *incidents =
		find("[{\"event\":\"engage\",\"time\":\"1\",\"service\":\"udp/1\"},"
		     "{\"event\":\"start\",\"time\":\"2\"},"
		     "{\"event\":\"engage\",\"time\":\"3\",\"service\":\"udp/1\"},"
		     "{\"event\":\"stop\",\"time\":\"4\"}]");

	assert_int_equal(json_array_size(incidents), 2);
	assert_string_equal(member(incidents, 0, "to"), "2");
	assert_string_equal(member(incidents, 1, "to"), "4");
	json_decref(incidents);
}

static void helplessness_is_an_incident_until_it_is_over(void **state)
{
	json_t *incidents =
		find("[{\"event\":\"helpless\",\"time\":\"1\",\"service\":null},"
		     "{\"event\":\"helpless\",\"time\":\"2\",\"service\":null},"
		     "{\"event\":\"relieved\",\"time\":\"3\"}]");

	assert_int_equal(json_array_size(incidents), 1);
	assert_string_equal(member(incidents, 0, "to"), "3");
	assert_true(
		json_is_true(json_object_get(json_array_get(incidents, 0), "helpless")));
	json_decref(incidents);
}

static void a_flush_that_was_put_back_is_no_end(void **state)
{
	json_t *incidents =
		find("[{\"event\":\"engage\",\"time\":\"1\",\"service\":\"udp/1\"},"
		     "{\"event\":\"lost\",\"time\":\"2\",\"service\":\"udp/1\"},"
		     "{\"event\":\"restore\",\"time\":\"3\",\"service\":\"udp/1\","
		     "\"percent\":40},"
		     "{\"event\":\"release\",\"time\":\"4\",\"service\":\"udp/1\"},"
		     "{\"event\":\"lost\",\"time\":\"5\",\"service\":\"udp/2\"},"
		     "{\"event\":\"restore\",\"time\":\"6\",\"service\":\"udp/2\","
		     "\"percent\":0}]");

	/* The second is a budget, which is no incident. */
	assert_int_equal(json_array_size(incidents), 1);
	assert_string_equal(member(incidents, 0, "to"), "4");
	assert_int_equal(
		json_array_size(json_object_get(json_array_get(incidents, 0), "events")),
		4);
	json_decref(incidents);
}

static void what_the_next_guard_takes_over_goes_on(void **state)
{
	json_t *incidents =
		find("[{\"event\":\"engage\",\"time\":\"1\",\"service\":\"udp/1\"},"
		     "{\"event\":\"stop\",\"time\":\"2\"},"
		     "{\"event\":\"start\",\"time\":\"3\"},"
		     "{\"event\":\"adopt\",\"time\":\"3\",\"service\":\"udp/1\","
		     "\"percent\":100},"
		     "{\"event\":\"start\",\"time\":\"4\"},"
		     "{\"event\":\"adopt\",\"time\":\"4\",\"service\":\"udp/1\","
		     "\"percent\":100},"
		     "{\"event\":\"adopt\",\"time\":\"4\",\"service\":\"udp/3\"},"
		     "{\"event\":\"reload\",\"time\":\"5\"},"
		     "{\"event\":\"release\",\"time\":\"6\",\"service\":\"udp/1\"},"
		     "{\"event\":\"start\",\"time\":\"7\"},"
		     "{\"event\":\"adopt\",\"time\":\"8\",\"service\":\"udp/1\","
		     "\"why\":\"it was out\",\"percent\":100}]");

	/* The second has no beginning in this journal. */
	assert_int_equal(json_array_size(incidents), 2);
	assert_string_equal(member(incidents, 0, "to"), "6");
	assert_string_equal(member(incidents, 1, "why"), "it was out");
	assert_null(member(incidents, 1, "to"));
	json_decref(incidents);
}

static void that_the_guard_stands_down_belongs_to_it(void **state)
{
	json_t *incidents =
		find("[{\"event\":\"stand-down\",\"time\":\"0\"},"
		     "{\"event\":\"engage\",\"time\":\"1\",\"service\":\"udp/1\","
		     "\"dry_run\":true},"
		     "{\"event\":\"lost\",\"time\":\"2\",\"service\":\"udp/1\"},"
		     "{\"event\":\"stand-down\",\"time\":\"3\"}]");
	struct text text = { 0 };

	assert_int_equal(json_array_size(incidents), 1);
	assert_string_equal(member(incidents, 0, "to"), "3");
	incidents_list(incidents, &text);
	assert_string_equal(text_str(&text), "  1  1 .. 3  dry run: udp/1\n");
	text_free(&text);
	json_decref(incidents);
}

static void a_step_that_failed_took_nothing_out(void **state)
{
	json_t *incidents =
		find("[{\"event\":\"engage\",\"time\":\"1\",\"service\":\"udp/"
		     "1\",\"error\":\"no\"},"
		     "{\"event\":\"engage\",\"time\":\"2\",\"service\":\"udp/2\"},"
		     "{\"event\":\"release\",\"time\":\"3\",\"service\":\"udp/2\"}]");

	assert_int_equal(json_array_size(incidents), 1);
	assert_string_equal(member(incidents, 0, "to"), "3");
	json_decref(incidents);
}

static void each_network_namespace_has_incidents_of_its_own(void **state)
{
	json_t *incidents =
		find("[{\"event\":\"engage\",\"time\":\"1\",\"netns\":\"red\","
		     "\"service\":\"udp/1\"},"
		     "{\"event\":\"engage\",\"time\":\"2\",\"netns\":\"blue\","
		     "\"service\":\"udp/1\"},"
		     "{\"event\":\"release\",\"time\":\"3\",\"netns\":\"red\","
		     "\"service\":\"udp/1\"},"
		     "{\"event\":\"stop\",\"time\":\"4\",\"netns\":\"green\"},"
		     "{\"event\":\"gone\",\"time\":\"5\",\"netns\":\"blue\"},"
		     "{\"event\":\"engage\",\"time\":\"6\",\"netns\":\"red\","
		     "\"service\":\"udp/1\"},"
		     "{\"event\":\"start\",\"time\":\"7\"}]");
	static const char *const EXPECTED[][3] = {
		{ "red", "1", "3" },
		{ "blue", "2", "5" },
		{ "red", "6", "7" },
	};

	assert_int_equal(json_array_size(incidents), 3);
	for (size_t i = 0; i < 3; i++) {
		assert_string_equal(member(incidents, i, "netns"), EXPECTED[i][0]);
		assert_string_equal(member(incidents, i, "from"), EXPECTED[i][1]);
		assert_string_equal(member(incidents, i, "to"), EXPECTED[i][2]);
	}
	json_decref(incidents);
}

static void events_may_be_anything(void **state)
{
	json_t *incidents = find("[{},{\"event\":7},{\"event\":\"engage\"},"
				 "{\"event\":\"engage\",\"time\":[],\"service\":{},"
				 "\"entries\":\"x\"},"
				 "{\"event\":\"release\",\"service\":9}]");
	struct text text = { 0 };
	const json_t *one;
	size_t i;

	incidents_list(incidents, &text);
	json_array_foreach(incidents, i, one) {
		incidents_show(one, &text);
	}
	assert_true(text_ok(&text));
	text_free(&text);
	json_decref(incidents);
}

static void nothing_that_a_terminal_obeys_is_printed(void **state)
{
	json_t *incidents =
		find("[{\"event\":\"engage\",\"time\":\"1\",\"service\":\"udp/1\","
		     "\"why\":\"\\u001b[2J\"}]");
	struct text text = { 0 };

	incidents_show(json_array_get(incidents, 0), &text);
	assert_null(strchr(text_str(&text), 0x1b));
	assert_non_null(strstr(text_str(&text), "engage udp/1: ?[2J"));
	text_free(&text);
	json_decref(incidents);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_incident_lasts_until_all_services_are_back),
		cmocka_unit_test(the_most_entries_are_told_of_the_limit_of_then),
		cmocka_unit_test(a_guard_that_ended_ends_its_incident),
		cmocka_unit_test(helplessness_is_an_incident_until_it_is_over),
		cmocka_unit_test(a_flush_that_was_put_back_is_no_end),
		cmocka_unit_test(what_the_next_guard_takes_over_goes_on),
		cmocka_unit_test(that_the_guard_stands_down_belongs_to_it),
		cmocka_unit_test(a_step_that_failed_took_nothing_out),
		cmocka_unit_test(each_network_namespace_has_incidents_of_its_own),
		cmocka_unit_test(events_may_be_anything),
		cmocka_unit_test(nothing_that_a_terminal_obeys_is_printed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
