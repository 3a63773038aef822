// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <arpa/inet.h>

#include "lib/args.h"
#include "server/target.h"

static struct target parsed(const char *text, uint8_t proto)
{
	struct target target;
	struct args_why why;

	assert_int_equal(target_parse(text, proto, &target, &why), 0);
	return target;
}

static void both_notations_are_the_same_target(void **state)
{
	struct target plain = parsed("10.77.0.1:9000", IPPROTO_UDP);
	struct target spec = parsed("udp/10.77.0.1:9000", 0);

	assert_string_equal(plain.text, "udp/10.77.0.1:9000");
	assert_string_equal(spec.text, plain.text);
	assert_true(endpoint_equal(&plain.endpoint, &spec.endpoint));
	assert_int_equal(spec.proto, IPPROTO_UDP);
	assert_int_equal(ntohs(spec.endpoint.v4.sin_port), 9000);
	spec = parsed("[fd77::1]:80", IPPROTO_TCP);
	assert_string_equal(spec.text, "tcp/[fd77::1]:80");
	assert_false(endpoint_equal(&plain.endpoint, &spec.endpoint));
}

static void what_is_no_target_is_refused_by_name(void **state)
{
	static const char *const BAD[] = {
		"",
		"localhost:80",
		"10.0.0.1",
		"10.0.0.1:",
		"10.0.0.1:0",
		"10.0.0.1:65536",
		"10.0.0.1:1-2",
		"fd77::1:80",
		"[fd77::1]",
		"[10.0.0.1]:80",
		"10.0.0.256:80",
		"out:udp/10.0.0.1:80",
		"udp/80",
		"80",
		"udp/udp/10.0.0.1:80",
		"10.0.0.1:80 ",
		"udp/[fe80::1%lo]:1",
		"tcp/10.0.0.1:80",
	};
	struct target target;
	struct args_why why;

	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
		assert_int_equal(target_parse(BAD[i], IPPROTO_UDP, &target, &why),
				 -EINVAL);
		assert_non_null(strstr(why.text, BAD[i]));
	}
	assert_int_equal(target_parse("10.0.0.1:80", 0, &target, &why), -EINVAL);
	assert_non_null(strstr(why.text, "protocol"));
}

static void a_long_target_leaves_a_readable_sentence(void **state)
{
	char text[5000];
	struct target target;
	struct args_why why;

	memset(text, '9', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(target_parse(text, IPPROTO_UDP, &target, &why), -EINVAL);
	assert_non_null(strstr(why.text, "is not ADDR:PORT"));
}

static void only_addresses_of_nobody_else_are_private(void **state)
{
	static const char *const PRIVATE[] = {
		"127.0.0.1",   "127.255.255.255", "10.0.0.0",          "10.255.255.255",
		"172.16.0.0",  "172.31.255.255",  "192.168.0.0",       "192.168.255.255",
		"169.254.0.1", "[::1]",           "[fc00::]",          "[fdff::1]",
		"[fe80::1]",   "[febf::1]",       "[::ffff:10.0.0.1]",
	};
	static const char *const PUBLIC[] = {
		"126.255.255.255", "128.0.0.0",      "9.255.255.255",
		"11.0.0.0",        "172.15.255.255", "172.32.0.0",
		"192.167.255.255", "192.169.0.0",    "169.253.0.0",
		"169.255.0.0",     "192.0.2.1",      "198.51.100.1",
		"100.64.0.1",      "0.0.0.0",        "224.0.0.1",
		"255.255.255.255", "[::]",           "[::2]",
		"[fbff::1]",       "[fe00::1]",      "[fec0::1]",
		"[2001:db8::1]",   "[ff02::1]",      "[::ffff:8.8.8.8]",
		"[::10.0.0.1]",
	};
	char text[80];

	for (size_t i = 0; i < sizeof(PRIVATE) / sizeof(PRIVATE[0]); i++) {
		struct target target;

		snprintf(text, sizeof(text), "%s:1", PRIVATE[i]);
		target = parsed(text, IPPROTO_UDP);
		assert_true(target_is_private(&target));
	}
	for (size_t i = 0; i < sizeof(PUBLIC) / sizeof(PUBLIC[0]); i++) {
		struct target target;

		snprintf(text, sizeof(text), "%s:1", PUBLIC[i]);
		target = parsed(text, IPPROTO_UDP);
		assert_false(target_is_private(&target));
	}
}

static void a_source_has_every_address_of_its_prefix(void **state)
{
	struct source source;
	struct args_why why;
	union endpoint end;
	char text[INET6_ADDRSTRLEN];

	assert_int_equal(source_parse("10.78.0.0/16", &source, &why), 0);
	assert_int_equal(source.addresses, 65536);
	source_endpoint(&source, 65535, 7, &end);
	assert_string_equal(inet_ntop(AF_INET, &end.v4.sin_addr, text, sizeof(text)),
			    "10.78.255.255");
	assert_int_equal(ntohs(end.v4.sin_port), 7);
	assert_int_equal(source_parse("10.0.0.9", &source, &why), 0);
	assert_int_equal(source.addresses, 1);
	assert_int_equal(source_parse("fd78::/120", &source, &why), 0);
	assert_int_equal(source.addresses, 256);
	source_endpoint(&source, 255, 0, &end);
	assert_string_equal(inet_ntop(AF_INET6, &end.v6.sin6_addr, text, sizeof(text)),
			    "fd78::ff");
	assert_int_equal(source_parse("fd78::/64", &source, &why), 0);
	assert_int_equal(source.addresses, SOURCE_ADDRESSES_MAX);
	assert_string_equal(source.text, "fd78::/64");
}

static void a_bad_source_is_refused_by_name(void **state)
{
	static const char *const BAD[] = { "",
					   "/16",
					   "10.0.0.0/",
					   "10.0.0.0/33",
					   "10.0.0.1/24",
					   "fd78::1/64",
					   "fd78::/129",
					   "10.0.0.0/+8",
					   "10.0.0.0/8/8",
					   "[fd78::]/64",
					   "host/8",
					   "10.0.0.0/0008" };
	struct source source;
	struct args_why why;

	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
		assert_int_equal(source_parse(BAD[i], &source, &why), -EINVAL);
		assert_non_null(strstr(why.text, BAD[i]));
	}
}

static void the_number_of_an_address_leads_back_to_it(void **state)
{
	static const char *const SOURCES[] = { "10.78.0.0/16", "10.0.0.4/30", "fd78::/64",
					       "fd78::1:0/112", "127.0.0.1" };
	unsigned seed = (unsigned)time(NULL);

	print_message("seed %u\n", seed);
	srandom(seed);
	for (int i = 0; i < 10000; i++) {
		struct source source;
		struct args_why why;
		union endpoint end;
		uint64_t number, back = 0;
		const void *address;

		assert_int_equal(source_parse(SOURCES[i % 5], &source, &why), 0);
		number = (uint64_t)random() % source.addresses;
		source_endpoint(&source, number, 0, &end);
		address = source.family == AF_INET ? (const void *)&end.v4.sin_addr
						   : (const void *)&end.v6.sin6_addr;
		assert_int_equal(source_number(&source, address, &back), 0);
		assert_int_equal(back, number);
	}
}

static void another_address_has_no_number(void **state)
{
	static const char *const OTHER[] = { "10.0.0.3", "10.0.0.8", "0.0.0.0" };
	struct source source;
	struct args_why why;
	struct in6_addr v6;
	uint64_t number;

	assert_int_equal(source_parse("10.0.0.4/30", &source, &why), 0);
	for (size_t i = 0; i < 3; i++) {
		struct in_addr v4;

		inet_pton(AF_INET, OTHER[i], &v4);
		assert_int_equal(source_number(&source, &v4, &number), -ENOENT);
	}
	assert_int_equal(source_parse("fd78::/64", &source, &why), 0);
	inet_pton(AF_INET6, "fd79::1", &v6);
	assert_int_equal(source_number(&source, &v6, &number), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_notations_are_the_same_target),
		cmocka_unit_test(what_is_no_target_is_refused_by_name),
		cmocka_unit_test(a_long_target_leaves_a_readable_sentence),
		cmocka_unit_test(only_addresses_of_nobody_else_are_private),
		cmocka_unit_test(a_source_has_every_address_of_its_prefix),
		cmocka_unit_test(a_bad_source_is_refused_by_name),
		cmocka_unit_test(the_number_of_an_address_leads_back_to_it),
		cmocka_unit_test(another_address_has_no_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
