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

#include <stdbool.h>

#include "server/ports.h"

static void every_port_comes_once(void **state)
{
	static bool seen[PORTS_LAST + 1];
	unsigned seed = (unsigned)time(NULL);
	struct ports ports;
	uint16_t port;

	print_message("seed %u\n", seed);
	ports_start(&ports, seed);
	for (int i = 0; i < PORTS_COUNT; i++) {
		assert_int_equal(ports_next(&ports, &port), 0);
		assert_true(port >= PORTS_FIRST);
		assert_false(seen[port]);
		seen[port] = true;
	}
	assert_int_equal(ports_next(&ports, &port), -EADDRNOTAVAIL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_port_comes_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
