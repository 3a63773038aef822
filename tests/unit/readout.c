// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "guard/readout.h"
#include "guard/status.h"
#include "lib/text.h"

/* What people are shown of an answer: to be freed. */
static struct text text_of(const char *json)
{
	json_t *object = json_loads(json, JSON_DECODE_ANY, NULL);
	struct text text = { 0 };

	assert_non_null(object);
	readout_text(object, &text);
	json_decref(object);
	return text;
}

static void expect_text(const char *json, const char *words)
{
	struct text text = text_of(json);

	if (!strstr(text_str(&text), words))
		fail_msg("no \"%s\" in:\n%s", words, text_str(&text));
	text_free(&text);
}

static void the_gravest_state_is_the_guards(void **state)
{
	static struct status status;

	assert_int_equal(status_state(&status), STATUS_WATCHING);
	status.count = 3;
	status.tables[1].state = STATUS_PAUSED;
	status.tables[2].state = STATUS_ENGAGED;
	assert_int_equal(status_state(&status), STATUS_PAUSED);
	status.tables[0].state = STATUS_HELPLESS;
	assert_string_equal(status_state_name(status_state(&status)), "helpless");
}

static bool is_helpless(const char *json)
{
	json_t *object = json_loads(json, JSON_DECODE_ANY, NULL);
	bool helpless = readout_is_helpless(object);

	json_decref(object);
	return helpless;
}

static void only_a_guard_that_says_so_is_helpless(void **state)
{
	assert_true(is_helpless("{\"state\":\"helpless\"}"));
	assert_false(is_helpless("{\"state\":\"engaged\"}"));
	assert_false(is_helpless("{\"state\":[\"helpless\"]}"));
	assert_false(is_helpless("{}"));
	assert_false(is_helpless("[]"));
	assert_false(is_helpless("7"));
}

static void each_service_is_told_as_it_is(void **state)
{
	expect_text("{\"services\":[{\"service\":\"udp/1\"}]}", "udp/1  tracked\n");
	expect_text("{\"services\":[{\"service\":\"udp/1\",\"untracked\":true,"
		    "\"untracked_percent\":40,\"untracked_seconds\":7,"
		    "\"untracked_packets_per_second\":50}]}",
		    "udp/1  UNTRACKED for 7 s, 40 % of it, 50 packets/s\n");
	expect_text("{\"services\":[{\"service\":\"udp/1\",\"verdict\":\"unsafe\","
		    "\"verdict_why\":\"nat: \\u001b\"}]}",
		    "udp/1  tracked  MAY NOT GO, it is unsafe: nat: ?\n");
	expect_text("{\"services\":[{\"service\":\"udp/1\",\"verdict\":\"pending\"}]}",
		    "udp/1  tracked  NOT AUDITED YET\n");
	expect_text("{\"services\":[{\"service\":\"udp/1\",\"verdict\":\"safe\"}]}",
		    "udp/1  tracked\n");
	expect_text("{\"services\":[{\"service\":\"udp/1\","
		    "\"budget_packets_per_second\":10}]}",
		    "udp/1  tracked up to 10 packets/s\n");
	expect_text("{\"services\":[{\"service\":\"udp/1\",\"untracked\":true,"
		    "\"untracked_percent\":100,\"held\":true}]}",
		    "UNTRACKED for 0 s, by a rule of somebody else's\n");
}

/* What somebody asks who wonders why it is out still. */
static void what_keeps_a_service_out_is_told(void **state)
{
	expect_text("{\"services\":[{\"service\":\"udp/1\",\"untracked\":true,"
		    "\"untracked_percent\":100,\"returning_entries\":700.4,"
		    "\"calm_seconds\":3,\"release_after_seconds\":30}]}",
		    "UNTRACKED for 0 s, 700 entries would return, calm for 3 of 30 s\n");
	expect_text(
		"{\"services\":[{\"service\":\"udp/1\",\"untracked\":true,"
		"\"untracked_percent\":100,\"returning_entries\":700.4}]}",
		"UNTRACKED for 0 s, 700 entries would return, which does not fit yet\n");
	expect_text("{\"services\":[{\"service\":\"tcp/1\",\"untracked\":true,"
		    "\"untracked_percent\":100,\"cuts_connections\":true,"
		    "\"connections\":50}]}",
		    "UNTRACKED for 0 s, out until 50 open connections are gone, or "
		    "release --now\n");
}

static void what_a_step_did_is_told(void **state)
{
	expect_text(
		"{\"events\":[{\"time\":\"T\",\"event\":\"reclaim\",\"service\":\"udp/"
		"1\","
		"\"entries_before\":90,\"entries_after\":30,\"entries_deleted\":61}]}",
		"T  reclaim udp/1: 61 entries deleted, 90 entries before, 30 after\n");
	expect_text("{\"events\":[{\"time\":\"T\",\"event\":\"release\",\"service\":"
		    "\"udp/1\","
		    "\"percent\":70,\"why\":\"calm\"}]}",
		    "T  release udp/1, 70 % of it stay out: calm\n");
	expect_text("{\"events\":[{\"time\":\"T\",\"event\":\"release\",\"service\":"
		    "\"udp/1\","
		    "\"percent\":0,\"why\":\"calm\"}]}",
		    "T  release udp/1: calm\n");
}

static void the_table_is_told_with_what_is_foreseen(void **state)
{
	expect_text("{\"entries\":50,\"limit\":200,\"entries_per_second\":-3,"
		    "\"full_in_seconds\":null}",
		    "50 of 200 entries (25.0 %), -3/s, not filling\n");
	expect_text("{\"entries\":50,\"limit\":200,\"full_in_seconds\":2.5}",
		    "full in 2.5 s\n");
	/* No division by what is not there. */
	expect_text("{\"entries\":50,\"limit\":0}", "50 of 0 entries (0.0 %)");
}

static void several_namespaces_are_told_by_name(void **state)
{
	expect_text("{\"state\":\"engaged\",\"tables\":[{\"netns\":\"blue\","
		    "\"state\":\"engaged\",\"services\":[{\"service\":\"udp/1\"}]}]}",
		    "netns      blue: engaged\n");
}

/* Nothing of what came from a socket is for the terminal to obey. */
static void no_control_character_gets_through(void **state)
{
	struct text text =
		text_of("{\"state\":\"\\u001b[2J\","
			"\"events\":[{\"event\":\"\\u0007\",\"time\":\"\\u001b]0;x\","
			"\"why\":\"\\u009b\",\"service\":\"\\u007f\",\"netns\":\"\\b\"}],"
			"\"tables\":[{\"netns\":\"\\u001b\",\"state\":\"\\t\","
			"\"services\":[{\"service\":\"a\\nb\\r\"}]}]}");

	for (const char *c = text_str(&text); *c; c++)
		assert_true(*c == '\n' || ((unsigned char)*c >= ' ' && *c != 0x7f));
	assert_null(strstr(text_str(&text), "a\nb"));
	text_free(&text);
}

static json_t *random_value(unsigned depth)
{
	static const char *const NAMES[] = { "state",   "tables",         "services",
					     "events",  "service",        "netns",
					     "entries", "limit",          "untracked",
					     "why",     "full_in_seconds" };
	json_t *value;

	switch (random() % (depth ? 7 : 5)) {
	case 0: return json_null();
	case 1: return json_boolean(random() % 2);
	case 2: return json_integer(random() - RAND_MAX / 2);
	case 3: return json_real((double)random() * 1e300 / RAND_MAX);
	case 4: return json_string(random() % 2 ? "helpless" : "\x1b[2J");
	case 5: value = json_array(); break;
	default: value = json_object(); break;
	}
	for (long i = random() % 6; i > 0; i--) {
		if (json_is_array(value))
			json_array_append_new(value, random_value(depth - 1));
		else
			json_object_set_new(value,
					    NAMES[(size_t)random() %
						  (sizeof(NAMES) / sizeof(NAMES[0]))],
					    random_value(depth - 1));
	}
	return value;
}

static void any_answer_can_be_shown(void **state)
{
	unsigned seed = (unsigned)time(NULL);

	print_message("seed %u\n", seed);
	srandom(seed);
	for (int i = 0; i < 20000; i++) {
		json_t *object = random_value(4);
		struct text text = { 0 };

		readout_text(object, &text);
		readout_is_helpless(object);
		assert_null(strchr(text_str(&text), '\x1b'));
		text_free(&text);
		json_decref(object);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_gravest_state_is_the_guards),
		cmocka_unit_test(only_a_guard_that_says_so_is_helpless),
		cmocka_unit_test(each_service_is_told_as_it_is),
		cmocka_unit_test(what_keeps_a_service_out_is_told),
		cmocka_unit_test(what_a_step_did_is_told),
		cmocka_unit_test(the_table_is_told_with_what_is_foreseen),
		cmocka_unit_test(several_namespaces_are_told_by_name),
		cmocka_unit_test(no_control_character_gets_through),
		cmocka_unit_test(any_answer_can_be_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
