// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/clock.h"
#include "server/meter.h"
#include "server/peer.h"

static const struct siphash_key KEY = { { 0x0123456789abcdef, 0xfedcba9876543210 } };
static const uint64_t NOW_NS = UINT64_C(1000) * CLOCK_NS_PER_S;

static struct peer peer_number(uint32_t number, uint16_t port)
{
	struct peer peer = { .family = AF_INET, .port = port };

	memcpy(peer.address, &number, sizeof(number));
	return peer;
}

static struct meter *open_meter(uint64_t rate)
{
	struct meter *meter = NULL;

	assert_int_equal(meter_open(&meter, rate, &KEY), 0);
	return meter;
}

static unsigned take_all(struct meter *meter, const struct peer *peer, uint64_t now_ns)
{
	unsigned taken = 0;

	while (taken < 100000 && meter_take(meter, peer, now_ns, 1))
		taken++;
	return taken;
}

static void a_source_gets_a_burst_and_then_its_rate(void **state)
{
	struct meter *meter = open_meter(1000);
	const struct peer peer = peer_number(1, 1);

	assert_int_equal(take_all(meter, &peer, NOW_NS), 250);
	assert_int_equal(take_all(meter, &peer, NOW_NS), 0);
	assert_int_equal(take_all(meter, &peer, NOW_NS + CLOCK_NS_PER_MS), 1);
	assert_int_equal(
		take_all(meter, &peer, NOW_NS + 101 * UINT64_C(1) * CLOCK_NS_PER_MS),
		100);
	/* Silence saves up no more than a burst. */
	assert_int_equal(take_all(meter, &peer, 2 * NOW_NS), 250);
	meter_close(meter);
}

static void a_low_rate_still_has_a_burst(void **state)
{
	struct meter *meter = open_meter(1);
	const struct peer peer = peer_number(1, 1);

	assert_int_equal(take_all(meter, &peer, NOW_NS), METER_BURST_MIN);
	assert_int_equal(take_all(meter, &peer, NOW_NS + CLOCK_NS_PER_S), 1);
	meter_close(meter);
}

static void all_ports_of_a_source_share_and_others_do_not(void **state)
{
	struct meter *meter = open_meter(8);
	const struct peer a = peer_number(1, 1), b = peer_number(1, 2),
			  c = peer_number(2, 1);

	assert_int_equal(take_all(meter, &a, NOW_NS), 8);
	assert_int_equal(take_all(meter, &b, NOW_NS), 0);
	assert_int_equal(take_all(meter, &c, NOW_NS), 8);
	meter_close(meter);
}

static void a_burst_is_taken_whole_or_not_at_all(void **state)
{
	struct meter *meter = open_meter(400);
	const struct peer peer = peer_number(1, 1);

	assert_true(meter_take(meter, &peer, NOW_NS, 60));
	assert_false(meter_take(meter, &peer, NOW_NS, 60));
	assert_true(meter_take(meter, &peer, NOW_NS, 40));
	/* One that is larger than any bucket must not wait for ever. */
	assert_true(meter_take(meter, &peer, 2 * NOW_NS, 1000));
	meter_close(meter);
}

/* Everyone is let through, but for the few that others like them just kept out of the table. */
static void more_sources_than_places_are_let_through(void **state)
{
	struct meter *meter = open_meter(8);
	unsigned refused = 0;

	for (uint32_t i = 0; i < 10 * METER_SOURCES; i++) {
		const struct peer peer = peer_number(i, 1);

		refused += !meter_take(meter, &peer, NOW_NS + i, 1);
	}
	assert_int_equal(refused, 0);
	meter_close(meter);
}

static void one_that_goes_on_is_kept_among_many_that_come_once(void **state)
{
	struct meter *meter = open_meter(8);
	const struct peer loud = peer_number(UINT32_MAX, 1);
	unsigned taken = 0;

	for (uint32_t i = 0; i < METER_SOURCES; i++) {
		const struct peer peer = peer_number(i, 1);

		meter_take(meter, &peer, NOW_NS + i, 1);
		taken += meter_take(meter, &loud, NOW_NS + i, 1);
	}
	assert_in_range(taken, 8, 9);
	meter_close(meter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_source_gets_a_burst_and_then_its_rate),
		cmocka_unit_test(a_low_rate_still_has_a_burst),
		cmocka_unit_test(all_ports_of_a_source_share_and_others_do_not),
		cmocka_unit_test(a_burst_is_taken_whole_or_not_at_all),
		cmocka_unit_test(more_sources_than_places_are_let_through),
		cmocka_unit_test(one_that_goes_on_is_kept_among_many_that_come_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
