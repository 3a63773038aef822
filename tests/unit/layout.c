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
		{ "udp/10-20", "in_udp_10-20", "out_udp_10-20" },
		{ "udp/192.0.2.1:10-20", "in_udp_192.0.2.1_10-20",
		  "out_udp_192.0.2.1_10-20" },
		{ "out:udp/[::1]:10-65535", "to_remote_udp_--1_10-65535",
		  "from_remote_udp_--1_10-65535" },
		{ "out:tcp/53", "to_remote_tcp_53", "from_remote_tcp_53" },
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

	service.outbound = rand() % 2;
	service.first_port = service.last_port = (uint16_t)(1 + rand() % 65535);
	if (rand() % 2)
		service.last_port = (uint16_t)(service.first_port +
					       rand() % (65536 - service.first_port));
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
		unsigned map = layout_map(layout_group(&service), side);
		uint8_t key[LAYOUT_KEY_MAX], end[LAYOUT_KEY_MAX];
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
		bytes = layout_key(&service, service.first_port, key);
		assert_int_equal(layout_key(&service, service.last_port, end), bytes);
		assert_int_equal(bytes, layout_map_key_bytes(map));
		assert_true(layout_parse_key(map, key, end, bytes, &back));
		assert_true(service_equal(&service, &back));
		assert_int_equal(layout_map_side(map), side);
		assert_int_equal(layout_map_family(map), service.family);
		assert_int_equal(layout_map_ranged(map),
				 service.first_port != service.last_port);
	}
}

static void each_map_has_a_name_and_look_ups_of_its_own(void **state)
{
	unsigned all = 0;

	for (unsigned map = 0; map < LAYOUT_MAPS; map++) {
		unsigned used = 0, of_group = layout_lookups_of(layout_map_group(map));

		for (unsigned i = 0; i < LAYOUT_LOOKUPS; i++)
			used |= (layout_lookup(i).map == map) << i;
		assert_true(used && (used & of_group) == used);
		assert_int_equal(used & all, 0);
		all |= used;
		for (unsigned other = 0; other < map; other++)
			assert_string_not_equal(layout_map_name(map),
						layout_map_name(other));
	}
	assert_int_equal(all, (1U << LAYOUT_LOOKUPS) - 1);
}

/* Prerouting sees what is forwarded: only the address of this host tells it apart. */
static void nothing_that_is_forwarded_is_looked_up(void **state)
{
	for (unsigned i = 0; i < LAYOUT_LOOKUPS; i++) {
		struct layout_lookup lookup = layout_lookup(i);

		if (lookup.hook == LAYOUT_PREROUTING)
			assert_int_equal(lookup.to, LAYOUT_LOCAL);
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
		"in_udp_2-1",
		"in_udp_2-2",
		"in_udp_1-02",
		"in_udp_1-",
		"in_udp_-1",
		"in_udp_1-2-3",
		"in_udp_1--2",
		"in_udp_192-0-2-1_1-2",
		"to_remote_udp",
		"remote_udp_53",
		"to_remote_in_udp_53",
		"to_remote_udp_127.0.0.1_53",
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
	enum { SINGLE = 0, SINGLE6 = 4, RANGES = 6 };
	uint8_t key[LAYOUT_KEY_MAX + 4] = { IPPROTO_UDP, 0, 0, 0, 0x23, 0x28 };
	uint8_t end[sizeof(key)];
	struct service service;

	assert_true(layout_parse_key(SINGLE, key, key, 8, &service));
	assert_int_equal(service.first_port, 9000);
	assert_false(layout_parse_key(SINGLE, key, key, 7, &service));
	assert_false(layout_parse_key(SINGLE, key, key, 12, &service));
	assert_false(layout_parse_key(SINGLE6, key, key, 28, &service));
	assert_false(layout_parse_key(RANGES, key, key, 8, &service));
	memcpy(end, key, sizeof(key));
	end[5]++;
	assert_false(layout_parse_key(SINGLE, key, end, 8, &service));
	assert_true(layout_parse_key(RANGES, key, end, 8, &service));
	assert_int_equal(service.last_port, 9001);
	assert_false(layout_parse_key(RANGES, end, key, 8, &service));
	end[0] = IPPROTO_TCP;
	assert_false(layout_parse_key(RANGES, key, end, 8, &service));
	key[0] = IPPROTO_SCTP;
	assert_false(layout_parse_key(SINGLE, key, key, 8, &service));
	key[0] = IPPROTO_UDP;
	key[4] = key[5] = 0;
	assert_false(layout_parse_key(SINGLE, key, key, 8, &service));
}

static void services_that_no_packet_can_match_are_unfit(void **state)
{
	static const char *const BAD[] = {
		"udp/0.0.0.0:53",          "udp/[::]:53",      "udp/224.0.0.1:53",
		"udp/255.255.255.255:53",  "udp/[ff02::1]:53", "udp/[::ffff:1.2.3.4]:53",
		"out:udp/127.1.2.3:53-54", "out:tcp/[::1]:53", "out:udp/0.0.0.0:53",
	};
	static const char *const GOOD[] = { "udp/53",
					    "tcp/192.0.2.1:1",
					    "tcp/[fe80::1]:65535",
					    "udp/127.0.0.1:53",
					    "udp/1-65535",
					    "out:udp/53",
					    "out:tcp/192.0.2.1:1-2" };

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
		cmocka_unit_test(each_map_has_a_name_and_look_ups_of_its_own),
		cmocka_unit_test(nothing_that_is_forwarded_is_looked_up),
		cmocka_unit_test(names_that_we_do_not_write_are_not_ours),
		cmocka_unit_test(keys_of_another_form_are_not_ours),
		cmocka_unit_test(services_that_no_packet_can_match_are_unfit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
