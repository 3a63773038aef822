// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "guard/opens.h"

/* As kernel 6.18 has it. */
static const char SNMP[] =
	"Ip: Forwarding DefaultTTL InReceives\nIp: 2 64 7\n"
	"IcmpMsg: InType3 OutType3\nIcmpMsg: 12 8\n"
	"Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails\n"
	"Tcp: 1 200 120000 -1 1234567890123 17 9\n"
	"Udp: InDatagrams NoPorts\nUdp: 33 9\n";

static void both_counts_are_found_by_their_names(void **state)
{
	uint64_t count[2];

	assert_int_equal(opens_parse(SNMP, count), 0);
	assert_int_equal(count[OPENS_IN], 17);
	assert_int_equal(count[OPENS_OUT], 1234567890123);
	assert_int_equal(opens_parse("Tcp: PassiveOpens ActiveOpens\nTcp: 3 4", count),
			 0);
	assert_int_equal(count[OPENS_IN], 3);
}

static void what_is_cut_or_has_other_names_is_refused(void **state)
{
	/* Where the second of the two numbers begins: what is cut within it is a number still. */
	size_t whole = (size_t)(strstr(SNMP, "17 9") - SNMP);
	uint64_t count[2] = { 1, 2 };
	char text[sizeof(SNMP)];

	for (size_t length = 0; length <= whole; length++) {
		memcpy(text, SNMP, length);
		text[length] = '\0';
		assert_int_equal(opens_parse(text, count), -EBADMSG);
	}
	assert_int_equal(opens_parse("Tcp: ActiveOpens PassiveOpensX\nTcp: 1 2\n", count),
			 -EBADMSG);
	assert_int_equal(opens_parse("Tcp: ActiveOpens PassiveOpens\nTcp: 1 x\n", count),
			 -EBADMSG);
	assert_int_equal(opens_parse("Tcp: ActiveOpens PassiveOpens\nUdp: 1 2\n", count),
			 -EBADMSG);
	assert_true(count[0] == 1 && count[1] == 2);
}

static void a_rate_takes_two_readings_that_are_not_a_moment_apart(void **state)
{
	struct opens opens = { 0 };

	assert_int_equal(opens_read(&opens, 1000000000), 0);
	assert_true(isinf(opens.per_s[OPENS_IN]));
	assert_int_equal(opens_read(&opens, 1400000000), 0);
	assert_true(isinf(opens.per_s[OPENS_IN]));
	/* As if there had been ten less then. */
	opens.count[OPENS_IN] -= 10;
	assert_int_equal(opens.opened[OPENS_IN], 0);
	assert_int_equal(opens_read(&opens, 3000000000), 0);
	assert_true(opens.opened[OPENS_IN] >= 10);
	assert_true(opens.per_s[OPENS_IN] >= 5);
	assert_int_equal(opens.read_ns, 3000000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_counts_are_found_by_their_names),
		cmocka_unit_test(what_is_cut_or_has_other_names_is_refused),
		cmocka_unit_test(a_rate_takes_two_readings_that_are_not_a_moment_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
