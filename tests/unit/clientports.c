// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/clientports.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <netinet/in.h>

#include <cmocka.h>

#include "lib/service.h"
#include "rules/arena.h"
#include "rules/ranges.h"

/* The ports of these settings, as text. */
static void expect(const char *range, const char *reserved, const char *expected)
{
	struct arena arena = { 0 };
	struct ranges ports, kept;
	char text[256] = "";
	size_t used = 0;

	assert_int_equal(clientports_parse(range, reserved, &arena, &ports, &kept), 0);
	for (size_t i = 0; i < ports.count; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%u-%u",
					 i ? " " : "", (unsigned)ports.at[i].first.low,
					 (unsigned)ports.at[i].last.low);
	assert_string_equal(text, expected);
	arena_free(&arena);
}

static void reserved_ports_are_given_to_nobody(void **state)
{
	expect("32768\t60999\n", "\n", "32768-60999");
	expect("1024\t65535\n", "", "1024-65535");
	expect("40000\t40000\n", "", "40000-40000");
	expect("32768\t60999\n", "8080,49152-65535\n", "32768-49151");
	expect("32768\t60999\n", "40000,50000-50009\n",
	       "32768-39999 40001-49999 50010-60999");
	/* Then the kernel would have none to give. */
	expect("32768\t60999\n", "1-65535\n", "32768-60999");
}

static void what_is_no_range_is_the_kernels_default(void **state)
{
	expect("", "", "32768-60999");
	expect("0 100", "", "32768-60999");
	expect("100 99", "", "32768-60999");
	expect("1 65536", "", "32768-60999");
	expect("-1 5", "", "32768-60999");
	expect("99999999999999999999999 5", "", "32768-60999");
	expect("words", "40000", "32768-39999 40001-60999");
}

static void a_list_is_read_as_far_as_it_is_one(void **state)
{
	expect("100 200", "150,", "100-149 151-200");
	expect("100 200", "150,x", "100-149 151-200");
	expect("100 200", "150-140,160", "100-200");
	expect("100 200", "150-", "100-200");
	expect("100 200", "150,99999,160", "100-149 151-200");
	expect("100 200", ",150", "100-200");
}

static void more_than_can_be_kept_is_left_out(void **state)
{
	static char list[8192];
	struct arena arena = { 0 };
	struct ranges ports, kept;
	size_t used = 0;

	for (unsigned port = 1000; port < 2200; port += 2)
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%u,", port);
	assert_int_equal(clientports_parse("1000 9999", list, &arena, &ports, &kept), 0);
	assert_int_equal(ports.count, 512);
	assert_int_equal(ports.at[ports.count - 1].last.low, 9999);
	arena_free(&arena);
}

static void ports_are_counted_through_the_gaps(void **state)
{
	const struct range at[] = { { { 0, 10 }, { 0, 11 } }, { { 0, 20 }, { 0, 20 } } };
	const struct ranges ports = { at, 2 };

	assert_int_equal(clientports_at(&ports, 0), 10);
	assert_int_equal(clientports_at(&ports, 1), 11);
	assert_int_equal(clientports_at(&ports, 2), 20);
	assert_int_equal(clientports_at(&ports, 3), 10);
	assert_int_equal(clientports_at(&(struct ranges){ 0 }, 3), 0);
}

static void only_of_a_range_of_this_host_programs_are_given_some(void **state)
{
	struct service service = { .proto = IPPROTO_UDP,
				   .first_port = 60000,
				   .last_port = 65000 };
	const struct ranges ports = clientports_default();
	struct arena arena = { 0 };
	struct ranges given;

	assert_int_equal(clientports_of(&service, &ports, &arena, &given), 0);
	assert_int_equal(given.count, 1);
	assert_int_equal(given.at[0].first.low, 60000);
	assert_int_equal(given.at[0].last.low, 60999);
	assert_true(clientports_common(&service));
	service.outbound = true;
	assert_int_equal(clientports_of(&service, &ports, &arena, &given), 0);
	assert_int_equal(given.count, 0);
	service.outbound = false;
	service.last_port = 60000;
	assert_int_equal(clientports_of(&service, &ports, &arena, &given), 0);
	assert_int_equal(given.count, 0);
	assert_false(clientports_common(&service));
	service.first_port = 100;
	service.last_port = 1023;
	assert_int_equal(clientports_of(&service, &ports, &arena, &given), 0);
	assert_int_equal(given.count, 0);
	assert_false(clientports_common(&service));
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reserved_ports_are_given_to_nobody),
		cmocka_unit_test(what_is_no_range_is_the_kernels_default),
		cmocka_unit_test(a_list_is_read_as_far_as_it_is_one),
		cmocka_unit_test(more_than_can_be_kept_is_left_out),
		cmocka_unit_test(ports_are_counted_through_the_gaps),
		cmocka_unit_test(only_of_a_range_of_this_host_programs_are_given_some),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
