// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/presence.c"

enum { WORKERS = 3, TAKEN_MAX = 4096 };

static unsigned pages_taken(const struct presence *presence)
{
	unsigned char taken[TAKEN_MAX] = { 0 };
	size_t pages = presence->bytes / (size_t)sysconf(_SC_PAGESIZE);
	unsigned count = 0;

	assert_in_range(pages, 1, TAKEN_MAX);
	assert_int_equal(mincore(presence->words, presence->bytes, taken), 0);
	for (size_t i = 0; i < pages; i++)
		count += taken[i] & 1;
	return count;
}

static void a_worker_that_starts_costs_no_memory(void **state)
{
	struct presence *presence;

	assert_int_equal(presence_open(&presence, WORKERS), 0);
	for (unsigned worker = 0; worker < WORKERS; worker++)
		presence_reset(presence, worker);
	assert_int_equal(pages_taken(presence), 0);
	presence_set(presence, 1, 0);
	assert_int_not_equal(pages_taken(presence), 0);
	presence_reset(presence, 1);
	assert_int_equal(pages_taken(presence), 0);
	presence_close(presence);
}

static void a_reset_forgets_all_of_one_worker_and_of_no_other(void **state)
{
	static const uint32_t HASHES[] = { 0, 0x12345678, UINT32_MAX };
	struct presence *presence;

	assert_int_equal(presence_open(&presence, WORKERS), 0);
	for (unsigned worker = 0; worker < WORKERS; worker++)
		for (size_t i = 0; i < 3; i++)
			presence_set(presence, worker, HASHES[i]);
	presence_reset(presence, 1);
	for (unsigned worker = 0; worker < WORKERS; worker++)
		for (size_t i = 0; i < 3; i++)
			assert_int_equal(presence_may(presence, worker, HASHES[i]),
					 worker != 1);
	presence_close(presence);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_worker_that_starts_costs_no_memory),
		cmocka_unit_test(a_reset_forgets_all_of_one_worker_and_of_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
