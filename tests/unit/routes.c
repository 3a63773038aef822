// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conntrack/routes.c"

enum { MESSAGE_BYTES = 256 };

static struct nlmsghdr *route_to(char *buffer, uint8_t table, uint8_t type,
				 const char *to, uint8_t bits)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct rtmsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	struct in_addr address;

	message->nlmsg_type = RTM_NEWROUTE;
	header->rtm_family = AF_INET;
	header->rtm_table = table;
	header->rtm_type = type;
	header->rtm_dst_len = bits;
	if (to) {
		inet_pton(AF_INET, to, &address);
		mnl_attr_put(message, RTA_DST, sizeof(address), &address);
	}
	return message;
}

static bool has(const struct addresses *addresses, const char *text)
{
	struct in_addr address;

	inet_pton(AF_INET, text, &address);
	return addresses_have(addresses, AF_INET, &address);
}

static bool shares(const struct addresses *addresses, const char *text)
{
	struct in_addr address;

	inet_pton(AF_INET, text, &address);
	return addresses_share(addresses, AF_INET, &address);
}

static void only_local_routes_of_the_local_table_count(void **state)
{
	static struct addresses addresses;
	struct reading reading = { .family = AF_INET, .addresses = &addresses };
	_Alignas(struct nlmsghdr) char buffer[MESSAGE_BYTES];

	route_cb(route_to(buffer, RT_TABLE_LOCAL, RTN_LOCAL, "192.0.2.1", 32), &reading);
	route_cb(route_to(buffer, RT_TABLE_LOCAL, RTN_LOCAL, "10.78.0.0", 16), &reading);
	route_cb(route_to(buffer, RT_TABLE_LOCAL, RTN_BROADCAST, "192.0.2.255", 32),
		 &reading);
	route_cb(route_to(buffer, RT_TABLE_MAIN, RTN_LOCAL, "192.0.2.3", 32), &reading);
	route_cb(route_to(buffer, RT_TABLE_MAIN, RTN_UNICAST, NULL, 0), &reading);
	reading.family = AF_INET6;
	route_cb(route_to(buffer, RT_TABLE_LOCAL, RTN_LOCAL, "192.0.2.4", 32), &reading);
	addresses_ready(&addresses);
	assert_int_equal(addresses.count, 2);
	assert_int_equal(addresses.prefixes, 1);
	assert_true(has(&addresses, "192.0.2.1"));
	assert_true(has(&addresses, "10.78.1.2"));
	assert_false(has(&addresses, "192.0.2.255"));
	assert_true(shares(&addresses, "192.0.2.255"));
	assert_false(shares(&addresses, "192.0.2.1"));
	assert_int_equal(reading.unwanted, 3);
}

static void a_malformed_route_is_left_out(void **state)
{
	static struct addresses addresses;
	struct reading reading = { .family = AF_INET, .addresses = &addresses };
	_Alignas(struct nlmsghdr) char buffer[MESSAGE_BYTES];
	struct nlmsghdr *message;

	route_cb(route_to(buffer, RT_TABLE_LOCAL, RTN_LOCAL, "192.0.2.1", 33), &reading);
	route_cb(route_to(buffer, RT_TABLE_LOCAL, RTN_LOCAL, NULL, 8), &reading);
	message = route_to(buffer, RT_TABLE_LOCAL, RTN_LOCAL, NULL, 16);
	mnl_attr_put_u16(message, RTA_DST, 10);
	route_cb(message, &reading);
	message = route_to(buffer, RT_TABLE_LOCAL, RTN_LOCAL, "192.0.2.1", 32);
	message->nlmsg_len = MNL_NLMSG_HDRLEN + sizeof(struct rtmsg) - 1;
	route_cb(message, &reading);
	assert_int_equal(addresses.count + addresses.prefixes, 0);
}

static void a_kernel_that_does_not_select_is_not_listened_to_forever(void **state)
{
	static struct addresses addresses;
	struct reading reading = { .family = AF_INET, .addresses = &addresses };
	_Alignas(struct nlmsghdr) char buffer[MESSAGE_BYTES];
	struct nlmsghdr *message =
		route_to(buffer, RT_TABLE_MAIN, RTN_UNICAST, "192.0.2.0", 24);

	for (int i = 0; i < UNWANTED_MAX; i++)
		assert_int_equal(route_cb(message, &reading), MNL_CB_OK);
	assert_int_equal(route_cb(message, &reading), MNL_CB_ERROR);
	assert_int_equal(errno, E2BIG);
}

static void what_is_known_stays_when_reading_fails(void **state)
{
	static struct addresses addresses;
	struct address_prefix known = { .family = AF_INET, .bits = 32 };
	struct nl *other;

	inet_pton(AF_INET, "192.0.2.1", &known.address);
	addresses_add(&addresses, &known);
	/* A bus that has another use for the message, and refuses it. */
	assert_int_equal(nl_open(&other, NETLINK_SOCK_DIAG), 0);
	assert_true(routes_read_local(other, &addresses) < 0);
	nl_close(other);
	assert_true(has(&addresses, "192.0.2.1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_local_routes_of_the_local_table_count),
		cmocka_unit_test(a_malformed_route_is_left_out),
		cmocka_unit_test(
			a_kernel_that_does_not_select_is_not_listened_to_forever),
		cmocka_unit_test(what_is_known_stays_when_reading_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
