// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/clock.h"
#include "server/crew.h"
#include "server/share.h"

enum { COUNT_MAX = 3000 };

/* Each number once, rising in each process, and no process with more than it can have. */
static void check(uint64_t count, uint64_t per_process, uint64_t more)
{
	struct share share = {
		.count = count,
		.processes = crew_size(count, share_room(per_process), 1) + more,
		.block = share_block(per_process),
	};
	uint8_t seen[COUNT_MAX] = { 0 };
	uint64_t sum = 0;

	for (share.index = 0; share.index < share.processes; share.index++) {
		uint64_t size = share_size(&share);

		assert_in_range(size, 0, per_process);
		for (uint64_t i = 0; i < size; i++) {
			uint64_t number = share_number(&share, i);

			assert_in_range(number, 0, count - 1);
			assert_int_equal(seen[number]++, 0);
			assert_true(i == 0 || number > share_number(&share, i - 1));
		}
		sum += size;
	}
	assert_int_equal(sum, count);
}

static void every_number_belongs_to_one_process(void **state)
{
	unsigned seed = (unsigned)clock_now_ns();

	print_message("seed %u\n", seed);
	srandom(seed);
	for (int i = 0; i < 3000; i++)
		check(1 + (uint64_t)random() % COUNT_MAX, 1 + (uint64_t)random() % 500,
		      (uint64_t)random() % 4);
}

static void shares_take_turns_in_blocks(void **state)
{
	const struct share share = {
		.count = 1000, .processes = 3, .index = 1, .block = 64
	};

	assert_int_equal(share_number(&share, 0), 64);
	assert_int_equal(share_number(&share, 63), 127);
	assert_int_equal(share_number(&share, 64), 256);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_number_belongs_to_one_process),
		cmocka_unit_test(shares_take_turns_in_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
