// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "rules/slice.h"
#include "rules/terms.h"

static struct extent share(unsigned percent, uint32_t seed)
{
	return (struct extent){ .kind = EXTENT_SHARE, .percent = percent, .seed = seed };
}

static void all_of_a_service_has_every_flow_and_a_budget_none(void **state)
{
	const struct extent all = { .kind = EXTENT_ALL };
	const struct extent budget = { .kind = EXTENT_BUDGET, .packets_per_s = 1 };
	const struct in_addr address = { htonl(INADDR_LOOPBACK) };

	assert_true(slice_has(&all, AF_INET, &address, 1));
	assert_false(slice_has(&budget, AF_INET, &address, 1));
}

/* Flows of random clients that a share has; each that it has, a larger one must have, too. */
static unsigned count(uint8_t family, unsigned percent, uint32_t seed, unsigned flows)
{
	unsigned found = 0;

	for (unsigned i = 0; i < flows; i++) {
		struct extent smaller = share(percent, seed);
		struct extent larger = share(percent + 10, seed);
		uint16_t port = (uint16_t)rand();
		uint8_t address[16];

		for (size_t k = 0; k < sizeof(address); k++)
			address[k] = (uint8_t)rand();
		found += slice_has(&smaller, family, address, port);
		assert_true(!slice_has(&smaller, family, address, port) ||
			    slice_has(&larger, family, address, port));
	}
	return found;
}

static void a_share_has_its_part_of_the_flows_and_a_larger_one_all_of_these(void **state)
{
	unsigned seed = (unsigned)time(NULL);

	print_message("seed %u\n", seed);
	srand(seed);
	for (unsigned percent = 10; percent < 90; percent += 20) {
		for (int i = 0; i < 5; i++) {
			uint32_t key = (uint32_t)rand();

			/* Five standard deviations of 10,000 are 250. */
			assert_in_range(count(AF_INET, percent, key, 10000),
					100 * percent - 250, 100 * percent + 250);
			assert_in_range(count(AF_INET6, percent, key, 10000),
					100 * percent - 250, 100 * percent + 250);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_a_service_has_every_flow_and_a_budget_none),
		cmocka_unit_test(
			a_share_has_its_part_of_the_flows_and_a_larger_one_all_of_these),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
