// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "conntrack/addresses.h"

static int make(void **state)
{
	*state = calloc(1, sizeof(struct addresses));
	return *state ? 0 : -1;
}

static int unmake(void **state)
{
	free(*state);
	return 0;
}

static struct address_prefix prefix_of(const char *text, unsigned bits)
{
	struct address_prefix prefix = { .bits = (uint8_t)bits };

	prefix.family = strchr(text, ':') ? AF_INET6 : AF_INET;
	assert_int_equal(inet_pton(prefix.family, text, &prefix.address), 1);
	return prefix;
}

static void add(struct addresses *addresses, const char *text, unsigned bits)
{
	struct address_prefix prefix = prefix_of(text, bits);

	addresses_add(addresses, &prefix);
}

static bool have(const struct addresses *addresses, const char *text)
{
	struct address_prefix prefix = prefix_of(text, 0);

	return addresses_have(addresses, prefix.family, &prefix.address);
}

static bool share(const struct addresses *addresses, const char *text)
{
	struct address_prefix prefix = prefix_of(text, 0);

	return addresses_share(addresses, prefix.family, &prefix.address);
}

static void whole_addresses_are_found_and_their_neighbours_not(void **state)
{
	struct addresses *addresses = *state;

	add(addresses, "2001:db8::1", 128);
	add(addresses, "192.0.2.9", 32);
	add(addresses, "192.0.2.1", 32);
	addresses_ready(addresses);
	assert_true(have(addresses, "192.0.2.1"));
	assert_true(have(addresses, "192.0.2.9"));
	assert_false(have(addresses, "192.0.2.2"));
	assert_true(have(addresses, "2001:db8::1"));
	assert_false(have(addresses, "2001:db8::2"));
	/* The same bytes in the other family. */
	assert_false(have(addresses, "c000:201::"));
	/* The walk by filter counts on it. */
	assert_int_equal(addresses->address[0].family, AF_INET);
	assert_int_equal(addresses->address[2].family, AF_INET6);
}

static void a_prefix_holds_what_it_covers_to_the_bit(void **state)
{
	struct addresses *addresses = *state;

	add(addresses, "10.78.0.0", 16);
	add(addresses, "203.0.113.160", 27);
	add(addresses, "fd78::", 64);
	add(addresses, "2001:db8:8000::", 33);
	addresses_ready(addresses);
	assert_true(have(addresses, "10.78.255.255"));
	assert_false(have(addresses, "10.79.0.0"));
	assert_true(have(addresses, "203.0.113.191"));
	assert_false(have(addresses, "203.0.113.192"));
	assert_false(have(addresses, "203.0.113.159"));
	assert_true(have(addresses, "fd78::ffff:ffff:ffff:ffff"));
	assert_false(have(addresses, "fd78:0:0:1::"));
	assert_true(have(addresses, "2001:db8:ffff::1"));
	assert_false(have(addresses, "2001:db8:7fff::1"));
}

static void a_prefix_of_no_bits_holds_its_family(void **state)
{
	struct addresses *addresses = *state;

	add(addresses, "0.0.0.0", 0);
	assert_true(have(addresses, "198.51.100.1"));
	assert_false(have(addresses, "2001:db8::1"));
}

static void loopback_needs_no_adding(void **state)
{
	assert_true(have(*state, "127.0.0.1"));
	assert_true(have(*state, "127.255.0.53"));
	assert_false(have(*state, "128.0.0.1"));
	assert_true(have(*state, "::1"));
	assert_false(have(*state, "::2"));
	assert_false(have(*state, "7f00::1"));
}

static void what_does_not_fit_is_counted_and_left_out(void **state)
{
	struct addresses *addresses = *state;
	struct address_prefix prefix = { .family = AF_INET, .bits = 32 };

	for (uint32_t i = 0; i < ADDRESSES_MAX + 5; i++) {
		prefix.address.v4.s_addr = htonl(0x0a000000 + i);
		addresses_add(addresses, &prefix);
	}
	prefix.bits = 24;
	for (uint32_t i = 0; i < ADDRESSES_PREFIXES_MAX + 3; i++) {
		prefix.address.v4.s_addr = htonl(0x0b000000 + (i << 8));
		addresses_add(addresses, &prefix);
	}
	prefix.bits = 33;
	addresses_add(addresses, &prefix);
	addresses_ready(addresses);
	assert_int_equal(addresses->left_out, 9);
	assert_true(have(addresses, "10.0.0.0"));
	assert_true(have(addresses, "10.0.15.255"));
	assert_false(have(addresses, "10.0.16.0"));
	assert_true(have(addresses, "11.0.255.1"));
	assert_false(have(addresses, "11.1.0.1"));
	addresses_clear(addresses);
	assert_false(have(addresses, "10.0.0.0"));
	assert_false(have(addresses, "11.0.255.1"));
}

/* Bit by bit, for the comparison in bytes to be held against. */
static bool covers_by_bits(const struct address_prefix *prefix, const uint8_t *address)
{
	const uint8_t *own = (const uint8_t *)&prefix->address;

	for (unsigned bit = 0; bit < prefix->bits; bit++) {
		if (((own[bit / 8] ^ address[bit / 8]) >> (7 - bit % 8)) & 1)
			return false;
	}
	return true;
}

static void random_prefixes_hold_what_their_bits_say(void **state)
{
	struct addresses *addresses = *state;
	unsigned seed = (unsigned)time(NULL);

	print_message("seed %u\n", seed);
	for (int i = 0; i < 20000; i++) {
		bool v4 = rand_r(&seed) % 2;
		struct address_prefix prefix = { .family = v4 ? AF_INET : AF_INET6 };
		union flow_address address;
		unsigned flip;

		prefix.bits = (uint8_t)(rand_r(&seed) % (v4 ? 33 : 129));
		for (size_t n = 0; n < sizeof(address); n++)
			((uint8_t *)&prefix.address)[n] = (uint8_t)rand_r(&seed);
		prefix.address.v6.s6_addr[0] = 0xfd; /* not loopback's */
		address = prefix.address;
		flip = (unsigned)rand_r(&seed) % (v4 ? 32 : 128);
		address.v6.s6_addr[flip / 8] ^= (uint8_t)(0x80 >> flip % 8);
		if (address.v6.s6_addr[0] != 0xfd)
			continue;
		addresses_clear(addresses);
		addresses_add(addresses, &prefix);
		addresses_ready(addresses);
		assert_int_equal(addresses_have(addresses, prefix.family, &address),
				 covers_by_bits(&prefix, address.v6.s6_addr));
	}
}

static void shared_addresses_are_not_its_own(void **state)
{
	struct addresses *addresses = *state;
	struct address_prefix broadcast = prefix_of("192.0.2.255", 32);
	struct address_prefix anycast = prefix_of("2001:db8::", 128);

	broadcast.shared = anycast.shared = true;
	add(addresses, "192.0.2.9", 32);
	addresses_add(addresses, &broadcast);
	addresses_add(addresses, &anycast);
	/* One that is both is its own, too. */
	add(addresses, "2001:db8::", 128);
	addresses_ready(addresses);
	assert_true(share(addresses, "192.0.2.255"));
	assert_false(have(addresses, "192.0.2.255"));
	assert_true(share(addresses, "2001:db8::"));
	assert_true(have(addresses, "2001:db8::"));
	assert_true(have(addresses, "192.0.2.9"));
	assert_false(share(addresses, "192.0.2.9"));
	assert_false(share(addresses, "192.0.2.254"));
}

static void what_is_sent_to_all_needs_no_route(void **state)
{
	static const struct addresses NONE;

	assert_true(share(&NONE, "224.0.0.0"));
	assert_true(share(&NONE, "239.255.255.255"));
	assert_true(share(&NONE, "255.255.255.255"));
	assert_true(share(&NONE, "ff02::fb"));
	assert_false(share(&NONE, "223.255.255.255"));
	assert_false(share(&NONE, "240.0.0.0"));
	assert_false(share(&NONE, "0.0.0.0"));
	assert_false(share(&NONE, "fe80::1"));
	assert_false(have(&NONE, "224.0.0.1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(shared_addresses_are_not_its_own, make,
						unmake),
		cmocka_unit_test(what_is_sent_to_all_needs_no_route),
		cmocka_unit_test_setup_teardown(
			whole_addresses_are_found_and_their_neighbours_not, make, unmake),
		cmocka_unit_test_setup_teardown(a_prefix_holds_what_it_covers_to_the_bit,
						make, unmake),
		cmocka_unit_test_setup_teardown(a_prefix_of_no_bits_holds_its_family,
						make, unmake),
		cmocka_unit_test_setup_teardown(loopback_needs_no_adding, make, unmake),
		cmocka_unit_test_setup_teardown(what_does_not_fit_is_counted_and_left_out,
						make, unmake),
		cmocka_unit_test_setup_teardown(random_prefixes_hold_what_their_bits_say,
						make, unmake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
