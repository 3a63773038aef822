// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "lib/clock.h"

static void time_does_not_go_back(void **state)
{
	uint64_t last_ns = clock_now_ns();

	for (int i = 0; i < 1000; i++) {
		uint64_t now_ns = clock_now_ns();

		assert_true(now_ns >= last_ns);
		last_ns = now_ns;
	}
}

static void durations_have_a_sign(void **state)
{
	uint64_t hour_ns = UINT64_C(3600) * CLOCK_NS_PER_S;

	assert_float_equal(clock_between_s(5, 5), 0, 0);
	assert_float_equal(clock_between_s(hour_ns, hour_ns + 1500000000), 1.5, 1e-9);
	assert_float_equal(clock_between_s(hour_ns + 1500000000, hour_ns), -1.5, 1e-9);
}

static void never_is_not_within_any_time(void **state)
{
	uint64_t hour_ns = UINT64_C(3600) * CLOCK_NS_PER_S;

	assert_false(clock_is_within(0, 1, 1000));
	assert_true(clock_is_within(hour_ns, hour_ns, 1));
	assert_true(clock_is_within(hour_ns, hour_ns + CLOCK_NS_PER_S - 1, 1));
	assert_false(clock_is_within(hour_ns, hour_ns + CLOCK_NS_PER_S, 1));
}

/* Back from the text, the time is the one that it was made at. */
static void the_text_is_the_time_in_utc_with_milliseconds(void **state)
{
	char text[CLOCK_TEXT_MAX];
	struct tm utc = { 0 };
	const char *rest;
	time_t before, after, said;

	setenv("TZ", "Asia/Kathmandu", 1);
	tzset();
	before = time(NULL);
	clock_wall_text(text);
	after = time(NULL);
	assert_int_equal(strlen(text), strlen("2026-11-21T21:44:24.802Z"));
	rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &utc);
	assert_non_null(rest);
	assert_int_equal(rest[0], '.');
	assert_int_equal(strspn(rest + 1, "0123456789"), 3);
	assert_string_equal(rest + 4, "Z");
	said = timegm(&utc);
	assert_true(said >= before - 1 && said <= after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_does_not_go_back),
		cmocka_unit_test(durations_have_a_sign),
		cmocka_unit_test(never_is_not_within_any_time),
		cmocka_unit_test(the_text_is_the_time_in_utc_with_milliseconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
