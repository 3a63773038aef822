// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <cmocka.h>

#include "lib/args.h"
#include "rules/layout.h"

static struct service parse(const char *text)
{
	struct service service;
	struct args_why why;

	assert_int_equal(service_parse(text, &service, &why), 0);
	return service;
}

static void chains_are_named_with_what_nft_reads(void **state)
{
	static const char *const NAMES[][3] = {
		{ "udp/9000", "in_udp_9000", "out_udp_9000" },
		{ "udp/192.0.2.1:53", "in_udp_192.0.2.1_53", "out_udp_192.0.2.1_53" },
		{ "tcp/[2001:db8::1]:443", "in_tcp_2001-db8--1_443",
		  "out_tcp_2001-db8--1_443" },
		{ "tcp/[::1]:65535", "in_tcp_--1_65535", "out_tcp_--1_65535" },
	};
	char name[LAYOUT_NAME_MAX];

	for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
		struct service service = parse(NAMES[i][0]);

		layout_chain_name(LAYOUT_IN, &service, name);
		assert_string_equal(name, NAMES[i][1]);
		layout_chain_name(LAYOUT_OUT, &service, name);
		assert_string_equal(name, NAMES[i][2]);
	}
}

static struct service random_service(void)
{
	struct service service = { .proto = rand() % 2 ? IPPROTO_UDP : IPPROTO_TCP };
	static const uint8_t FAMILIES[] = { AF_UNSPEC, AF_INET, AF_INET6 };
	uint8_t *bytes = (uint8_t *)&service.addr;

	service.first_port = service.last_port = (uint16_t)(1 + rand() % 65535);
	service.family = FAMILIES[rand() % 3];
	if (service.family == AF_UNSPEC)
		return service;
	for (size_t i = 0; i < (service.family == AF_INET ? 4 : 16); i++)
		bytes[i] = (uint8_t)(rand() % 3 ? rand() : 0);
	return service;
}

static void names_and_keys_lead_back_to_their_service(void **state)
{
	unsigned seed = (unsigned)time(NULL);

	print_message("seed %u\n", seed);
	srand(seed);
	for (int i = 0; i < 20000; i++) {
		struct service service = random_service(), back;
		enum layout_side side = rand() % 2 ? LAYOUT_IN : LAYOUT_OUT, side_back;
		enum layout_map map = layout_map_of(side, &service);
		uint8_t key[LAYOUT_KEY_MAX];
		char name[LAYOUT_NAME_MAX];
		size_t bytes;

		if (layout_unfit(&service))
			continue;
		layout_chain_name(side, &service, name);
		assert_true(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.-") ==
			    strlen(name));
		assert_true(layout_parse_chain(name, &side_back, &back));
		assert_true(service_equal(&service, &back));
		assert_int_equal(side, side_back);
		bytes = layout_key(&service, key);
		assert_int_equal(bytes, layout_map_key_bytes(map));
		assert_true(layout_parse_key(map, key, bytes, &back));
		assert_true(service_equal(&service, &back));
		assert_int_equal(layout_map_side(map), side);
		assert_int_equal(layout_map_family(map), service.family);
	}
}

static void names_that_we_do_not_write_are_not_ours(void **state)
{
	static const char *const BAD[] = {
		"",
		"in",
		"in_",
		"in_udp",
		"in_udp_",
		"in_udp_0",
		"in_udp_09000",
		"in_udp_65536",
		"in_udp_9000_",
		"in_udp__9000",
		"in_udp_1-2",
		"in_sctp_9000",
		"IN_udp_9000",
		"inudp_9000",
		"output",
		"prerouting",
		"in_udp_9000 ",
		"in_udp_192.0.2_53",
		"in_udp_2001-DB8--1_53",
		"in_udp_0.0.0.0_53",
		"in_udp_--_53",
		"in_udp_224.0.0.1_53",
		"in_udp_:53",
		"out_out:udp_53",
	};
	char longest[300];
	struct service service;
	enum layout_side side;

	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
		if (layout_parse_chain(BAD[i], &side, &service))
			fail_msg("\"%s\" was taken for ours", BAD[i]);
	snprintf(longest, sizeof(longest), "in_udp_%0280d", 9000);
	assert_false(layout_parse_chain(longest, &side, &service));
}

static void keys_of_another_form_are_not_ours(void **state)
{
	uint8_t key[LAYOUT_KEY_MAX + 4] = { IPPROTO_UDP, 0, 0, 0, 0x23, 0x28 };
	struct service service;

	assert_true(layout_parse_key(LAYOUT_MAP_IN, key, 8, &service));
	assert_int_equal(service.first_port, 9000);
	assert_false(layout_parse_key(LAYOUT_MAP_IN, key, 7, &service));
	assert_false(layout_parse_key(LAYOUT_MAP_IN, key, 12, &service));
	assert_false(layout_parse_key(LAYOUT_MAP_IN6, key, 28, &service));
	key[0] = IPPROTO_SCTP;
	assert_false(layout_parse_key(LAYOUT_MAP_IN, key, 8, &service));
	key[0] = IPPROTO_UDP;
	key[4] = key[5] = 0;
	assert_false(layout_parse_key(LAYOUT_MAP_IN, key, 8, &service));
}

static void services_that_no_packet_can_match_are_unfit(void **state)
{
	static const char *const BAD[] = {
		"out:udp/53",       "udp/10000-20000",         "udp/0.0.0.0:53",
		"udp/[::]:53",      "udp/224.0.0.1:53",        "udp/255.255.255.255:53",
		"udp/[ff02::1]:53", "udp/[::ffff:1.2.3.4]:53",
	};
	static const char *const GOOD[] = { "udp/53", "tcp/192.0.2.1:1",
					    "tcp/[fe80::1]:65535" };

	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
		struct service service = parse(BAD[i]);

		assert_non_null(layout_unfit(&service));
	}
	for (size_t i = 0; i < sizeof(GOOD) / sizeof(GOOD[0]); i++) {
		struct service service = parse(GOOD[i]);

		assert_null(layout_unfit(&service));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chains_are_named_with_what_nft_reads),
		cmocka_unit_test(names_and_keys_lead_back_to_their_service),
		cmocka_unit_test(names_that_we_do_not_write_are_not_ours),
		cmocka_unit_test(keys_of_another_form_are_not_ours),
		cmocka_unit_test(services_that_no_packet_can_match_are_unfit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
