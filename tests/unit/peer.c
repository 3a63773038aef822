// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "server/peer.h"

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static union address v4(const char *text, uint16_t port)
{
	union address address = { .v4 = { .sin_family = AF_INET,
					  .sin_port = htons(port) } };

	assert_int_equal(inet_pton(AF_INET, text, &address.v4.sin_addr), 1);
	return address;
}

static union address v6(const char *text, uint16_t port, uint32_t scope)
{
	union address address = { .v6 = { .sin6_family = AF_INET6,
					  .sin6_port = htons(port),
					  .sin6_scope_id = scope } };

	assert_int_equal(inet_pton(AF_INET6, text, &address.v6.sin6_addr), 1);
	return address;
}

static void an_address_comes_back_as_it_was(void **state)
{
	const union address addresses[] = { v4("192.0.2.1", 1),
					    v6("2001:db8::1", 65535, 0),
					    v6("fe80::1", 9000, 3) };

	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		union address back = { 0 };
		struct peer peer;
		socklen_t bytes;

		peer_from(&addresses[i].any, &peer);
		bytes = peer_address(&peer, &back.any);
		assert_int_equal(bytes, i == 0 ? sizeof(back.v4) : sizeof(back.v6));
		assert_memory_equal(&back, &addresses[i], bytes);
	}
}

static bool same_source(const union address *a, const union address *b)
{
	struct peer first, second;

	peer_from(&a->any, &first);
	peer_from(&b->any, &second);
	peer_to_source(&first);
	peer_to_source(&second);
	return memcmp(&first, &second, sizeof(first)) == 0;
}

static void a_source_is_an_ipv4_address_or_an_ipv6_64(void **state)
{
	const union address a = v4("192.0.2.1", 1), b = v4("192.0.2.1", 2),
			    c = v4("192.0.2.2", 1);
	const union address d = v6("2001:db8::1", 1, 0),
			    e = v6("2001:db8::ffff:1:2:3", 2, 0),
			    f = v6("2001:db8:0:1::1", 1, 0);

	assert_true(same_source(&a, &b));
	assert_false(same_source(&a, &c));
	assert_true(same_source(&d, &e));
	assert_false(same_source(&d, &f));
	assert_false(same_source(&a, &d));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_comes_back_as_it_was),
		cmocka_unit_test(a_source_is_an_ipv4_address_or_an_ipv6_64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
