// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/text.h"
#include "rules/listing.h"
#include "rules/ruleset.h"

static const struct ruleset THREE = {
	.count = 3,
	.services = {
		{ .service = { .proto = IPPROTO_UDP, .first_port = 9000, .last_port = 9000 },
		  .active = true,
		  .leased = true,
		  .lease_ms = 300000,
		  .expires_ms = 125900,
		  .holder = { "ctguard", 4294967295 },
		  .sides = { { .packets = 9223372036854775807,
			       .extent = { EXTENT_BUDGET, .packets_per_s = 500 } },
			     { .bytes = 12 } } },
		{ .service = { .outbound = true,
			       .proto = IPPROTO_TCP,
			       .first_port = 53,
			       .last_port = 54 },
		  .active = true,
		  .sides = { { .packets = 1,
			       .extent = { EXTENT_SHARE, .percent = 7 } } } },
		{ .service = { .proto = IPPROTO_TCP, .first_port = 1, .last_port = 1 } },
	},
};

static void columns_are_as_wide_as_their_widest_cell(void **state)
{
	struct text text = { 0 };

	listing_text(&THREE, &text);
	assert_string_equal(
		text_str(&text),
		"SERVICE        HOW         LEASE LEFT           PACKETS IN  BYTES IN  "
		"PACKETS OUT  BYTES OUT  HELD BY\n"
		"udp/9000       over 500/s  2m5s        9223372036854775807         0  "
		"          0         12  ctguard 4294967295\n"
		"out:tcp/53-54  7%          for ever                      0         0  "
		"          1          0  -\n"
		"tcp/1          all         lapsed                        0         0  "
		"          0          0  -\n");
	text_free(&text);
}

static void what_is_left_is_written_in_two_units(void **state)
{
	static const struct {
		uint64_t ms;
		const char *wanted;
	} CASES[] = {
		{ 40, "0.0s" },      { 9949, "9.9s" },       { 10000, "10s" },
		{ 59999, "59s" },    { 60000, "1m0s" },      { 3599999, "59m59s" },
		{ 3600000, "1h0m" }, { 86399999, "23h59m" }, { 90000000, "1d1h" },
	};

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		struct ruleset one = { .count = 1 };
		struct text text = { 0 };

		one.services[0] = THREE.services[0];
		one.services[0].expires_ms = CASES[i].ms;
		listing_text(&one, &text);
		assert_non_null(strstr(text_str(&text), CASES[i].wanted));
		text_free(&text);
	}
}

static void of_what_is_damaged_less_is_untracked_than_was_asked_for(void **state)
{
	struct ruleset one = { .count = 1 };
	struct text text = { 0 };
	json_t *array;

	one.services[0] = THREE.services[0];
	one.services[0].active = false;
	one.services[0].damage = RULESET_IN_PART;
	listing_text(&one, &text);
	assert_non_null(strstr(text_str(&text), "udp/9000  part  2m5s "));
	text_free(&text);
	one.services[0].damage = RULESET_UNDONE;
	listing_text(&one, &text);
	assert_non_null(strstr(text_str(&text), "udp/9000  none  2m5s "));
	text_free(&text);
	array = listing_json(&one);
	assert_true(json_is_false(json_object_get(json_array_get(array, 0), "active")));
	assert_true(json_is_true(json_object_get(json_array_get(array, 0), "damaged")));
	json_decref(array);
}

static void json_has_every_field_of_every_service(void **state)
{
	json_t *array = listing_json(&THREE);
	char *text = json_dumps(array, JSON_COMPACT | JSON_REAL_PRECISION(6));

	assert_string_equal(
		text,
		"[{\"service\":\"udp/9000\",\"how\":\"budget\",\"share\":null,"
		"\"budget_per_second\":500,\"lease_seconds_left\":125.9,\"active\":true,"
		"\"damaged\":false,"
		"\"in_packets\":9223372036854775807,\"in_bytes\":0,\"out_packets\":0,"
		"\"out_bytes\":12,"
		"\"holder\":{\"program\":\"ctguard\",\"pid\":4294967295}},"
		"{\"service\":\"out:tcp/53-54\",\"how\":\"share\",\"share\":0.07,"
		"\"budget_per_second\":null,\"lease_seconds_left\":null,"
		"\"active\":true,\"damaged\":false,\"in_packets\":0,\"in_bytes\":0,\"out_"
		"packets\":1,"
		"\"out_bytes\":0,\"holder\":null},"
		"{\"service\":\"tcp/1\",\"how\":\"all\",\"share\":null,"
		"\"budget_per_second\":null,\"lease_seconds_left\":null,"
		"\"active\":false,\"damaged\":false,\"in_packets\":0,\"in_bytes\":0,"
		"\"out_packets\":0,"
		"\"out_bytes\":0,\"holder\":null}]");
	free(text);
	json_decref(array);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_as_wide_as_their_widest_cell),
		cmocka_unit_test(what_is_left_is_written_in_two_units),
		cmocka_unit_test(of_what_is_damaged_less_is_untracked_than_was_asked_for),
		cmocka_unit_test(json_has_every_field_of_every_service),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
