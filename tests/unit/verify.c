// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/text.h"
#include "rules/ruleset.h"
#include "rules/verify.h"

static const struct service UDP_9000 = { .proto = IPPROTO_UDP,
					 .first_port = 9000,
					 .last_port = 9000 };

/* The service with so many packets counted each way. */
static struct ruleset *with(uint64_t in, uint64_t out)
{
	static struct ruleset ruleset;

	ruleset = (struct ruleset){ .count = 1 };
	ruleset.services[0] = (struct ruleset_service){
		.service = UDP_9000,
		.active = true,
		.sides = { { .packets = in }, { .packets = out } },
	};
	return &ruleset;
}

static void expect(const struct verify *verify, enum verify_end end, const char *wanted)
{
	struct text text = { 0 };

	assert_int_equal(verify->end, end);
	verify_describe(verify, &text);
	assert_string_equal(text_str(&text), wanted);
	text_free(&text);
}

static void it_ends_when_both_counters_have_moved(void **state)
{
	struct verify verify;

	verify_begin(&verify, with(5, 5), &UDP_9000, 10);
	verify_look(&verify, with(5, 5), 1);
	assert_int_equal(verify.end, VERIFY_WAITING);
	verify_look(&verify, with(7, 5), 2);
	assert_int_equal(verify.end, VERIFY_WAITING);
	verify_look(&verify, with(8, 6), 3.04);
	expect(&verify, VERIFY_MOVED,
	       "udp/9000: 3 packets to it and 1 from it were untracked in 3.0s");
}

static void the_direction_that_does_not_match_is_named(void **state)
{
	struct verify verify;

	verify_begin(&verify, with(0, 0), &UDP_9000, 1);
	verify_look(&verify, with(4, 0), 1);
	expect(&verify, VERIFY_TIMEOUT,
	       "udp/9000: 4 packets to it were untracked in 1.0s, but none from it; it "
	       "stays out of tracking (ctrules delete udp/9000)");
	verify_begin(&verify, with(0, 0), &UDP_9000, 1);
	verify_look(&verify, with(1, 0), 1);
	expect(&verify, VERIFY_TIMEOUT,
	       "udp/9000: 1 packet to it was untracked in 1.0s, but none from it; it "
	       "stays out of tracking (ctrules delete udp/9000)");
	verify_begin(&verify, with(0, 0), &UDP_9000, 1);
	verify_look(&verify, with(0, 2), 1);
	expect(&verify, VERIFY_TIMEOUT,
	       "udp/9000: 2 packets from it were untracked in 1.0s, but none to it; it "
	       "stays out of tracking (ctrules delete udp/9000)");
	verify_begin(&verify, with(9, 9), &UDP_9000, 1);
	verify_look(&verify, with(9, 9), 1);
	expect(&verify, VERIFY_TIMEOUT,
	       "udp/9000: no packet was untracked in 1.0s, neither to it nor from it; it "
	       "stays out of tracking (ctrules delete udp/9000)");
}

static void a_service_that_is_taken_back_ends_it(void **state)
{
	const struct ruleset none = { 0 };
	struct ruleset *lapsed;
	struct verify verify;

	verify_begin(&verify, with(0, 0), &UDP_9000, 1);
	lapsed = with(4, 4);
	lapsed->services[0].active = false;
	verify_look(&verify, lapsed, 0.5);
	assert_int_equal(verify.end, VERIFY_GONE);
	verify_begin(&verify, with(0, 0), &UDP_9000, 1);
	verify_look(&verify, &none, 0.5);
	expect(&verify, VERIFY_GONE,
	       "udp/9000: no longer out of tracking: no packet was untracked in 0.5s, "
	       "neither to it nor from it");
}

static void counters_that_begin_again_are_followed(void **state)
{
	struct verify verify;

	verify_begin(&verify, with(100, 100), &UDP_9000, 10);
	verify_look(&verify, with(0, 3), 1);
	assert_int_equal(verify.end, VERIFY_WAITING);
	verify_look(&verify, with(1, 4), 2);
	assert_int_equal(verify.end, VERIFY_MOVED);
	assert_int_equal(verify.moved[LAYOUT_IN], 1);
	assert_int_equal(verify.moved[LAYOUT_OUT], 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_ends_when_both_counters_have_moved),
		cmocka_unit_test(the_direction_that_does_not_match_is_named),
		cmocka_unit_test(a_service_that_is_taken_back_ends_it),
		cmocka_unit_test(counters_that_begin_again_are_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
