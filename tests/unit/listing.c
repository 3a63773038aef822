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
		  .in_packets = 9223372036854775807,
		  .out_bytes = 12 },
		{ .service = { .proto = IPPROTO_TCP, .first_port = 53, .last_port = 53 },
		  .active = true },
		{ .service = { .proto = IPPROTO_TCP, .first_port = 1, .last_port = 1 } },
	},
};

static void columns_are_as_wide_as_their_widest_cell(void **state)
{
	struct text text = { 0 };

	listing_text(&THREE, &text);
	assert_string_equal(text_str(&text), "SERVICE   LEASE LEFT           PACKETS IN  "
					     "BYTES IN  PACKETS OUT  BYTES OUT\n"
					     "udp/9000  2m5s        9223372036854775807  "
					     "       0            0         12\n"
					     "tcp/53    for ever                      0  "
					     "       0            0          0\n"
					     "tcp/1     lapsed                        0  "
					     "       0            0          0\n");
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

static void json_has_every_field_of_every_service(void **state)
{
	json_t *array = listing_json(&THREE);
	char *text = json_dumps(array, JSON_COMPACT | JSON_REAL_PRECISION(6));

	assert_string_equal(
		text,
		"[{\"service\":\"udp/9000\",\"lease_seconds_left\":125.9,\"active\":true,"
		"\"in_packets\":9223372036854775807,\"in_bytes\":0,\"out_packets\":0,"
		"\"out_bytes\":12},"
		"{\"service\":\"tcp/53\",\"lease_seconds_left\":null,\"active\":true,"
		"\"in_packets\":0,\"in_bytes\":0,\"out_packets\":0,\"out_bytes\":0},"
		"{\"service\":\"tcp/1\",\"lease_seconds_left\":null,\"active\":false,"
		"\"in_packets\":0,\"in_bytes\":0,\"out_packets\":0,\"out_bytes\":0}]");
	free(text);
	json_decref(array);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_as_wide_as_their_widest_cell),
		cmocka_unit_test(what_is_left_is_written_in_two_units),
		cmocka_unit_test(json_has_every_field_of_every_service),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
