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
#include "server/cookie.h"
#include "server/peer.h"

static const struct siphash_key KEY = { { 0x0123456789abcdef, 0xfedcba9876543210 } };
static const uint64_t SLOT_NS = UINT64_C(1) * COOKIE_SLOT_S * CLOCK_NS_PER_S;

static struct peer some_peer(void)
{
	return (struct peer){ .address = { 192, 0, 2, 1 },
			      .port = 5000,
			      .family = AF_INET };
}

static void a_cookie_holds_for_a_slot_and_not_for_two(void **state)
{
	const struct peer peer = some_peer();
	const uint64_t made_ns = 100 * SLOT_NS;
	uint64_t cookie = cookie_make(&KEY, &peer, made_ns);

	assert_true(cookie_holds(&KEY, &peer, made_ns, cookie));
	assert_true(cookie_holds(&KEY, &peer, made_ns + SLOT_NS, cookie));
	assert_true(cookie_holds(&KEY, &peer, made_ns + 2 * SLOT_NS - 1, cookie));
	assert_false(cookie_holds(&KEY, &peer, made_ns + 2 * SLOT_NS, cookie));
	assert_false(cookie_holds(&KEY, &peer, made_ns - 1, cookie));
}

static void the_clock_may_have_just_begun(void **state)
{
	const struct peer peer = some_peer();

	assert_true(cookie_holds(&KEY, &peer, 1, cookie_make(&KEY, &peer, 0)));
	assert_false(cookie_holds(&KEY, &peer, 1, cookie_make(&KEY, &peer, UINT64_MAX)));
}

static void a_cookie_is_of_one_address_port_interface_and_key(void **state)
{
	const struct siphash_key other_key = { { 0x0123456789abcdef,
						 0xfedcba9876543211 } };
	const struct peer peer = some_peer();
	uint64_t cookie = cookie_make(&KEY, &peer, SLOT_NS);
	struct peer other;

	other = peer, other.port++;
	assert_false(cookie_holds(&KEY, &other, SLOT_NS, cookie));
	other = peer, other.address[3]++;
	assert_false(cookie_holds(&KEY, &other, SLOT_NS, cookie));
	other = peer, other.scope++;
	assert_false(cookie_holds(&KEY, &other, SLOT_NS, cookie));
	other = peer, other.family = AF_INET6;
	assert_false(cookie_holds(&KEY, &other, SLOT_NS, cookie));
	assert_false(cookie_holds(&other_key, &peer, SLOT_NS, cookie));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cookie_holds_for_a_slot_and_not_for_two),
		cmocka_unit_test(the_clock_may_have_just_begun),
		cmocka_unit_test(a_cookie_is_of_one_address_port_interface_and_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
