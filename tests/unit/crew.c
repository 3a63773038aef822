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

#include <unistd.h>

#include "server/crew.h"

static void a_process_is_added_when_descriptors_run_out(void **state)
{
	assert_int_equal(crew_size(1, 500, 2), 1);
	assert_int_equal(crew_size(999, 500, 1), 2);
	assert_int_equal(crew_size(1000, 500, 1), 2);
	assert_int_equal(crew_size(1001, 500, 1), 3);
	assert_int_equal(crew_size(1000000, 19968, 2), 51);
}

static void every_cpu_is_used_when_there_is_work(void **state)
{
	assert_int_equal(crew_size(100, 20000, 4), 1);
	assert_int_equal(crew_size(1000, 20000, 4), 2);
	assert_int_equal(crew_size(10000, 20000, 4), 4);
}

static int count_up(const struct crew_job *job, unsigned index, void *slot, void *shared)
{
	*(uint64_t *)slot = index + *(const uint64_t *)job->data;
	return index == 2 ? 3 : 0;
}

static void the_parent_sees_what_every_child_wrote(void **state)
{
	const uint64_t base = 100;
	struct crew_job job = { count_up, &base, sizeof(uint64_t), sizeof(uint64_t) };
	struct crew *crew;

	assert_int_equal(crew_open(&crew, 5, &job), 0);
	while (crew_running(crew) > 0)
		;
	for (unsigned i = 0; i < crew_members(crew); i++)
		assert_int_equal(*(const uint64_t *)crew_slot(crew, i), 100 + i);
	assert_int_equal(crew_broken(crew), 1);
	crew_close(crew);
}

static int wait_forever(const struct crew_job *job, unsigned index, void *slot,
			void *shared)
{
	for (;;)
		pause();
	return 0;
}

static void children_that_hang_are_ended_with_the_crew(void **state)
{
	struct crew_job job = { wait_forever, NULL, 1, 1 };
	struct crew *crew;

	assert_int_equal(crew_open(&crew, 3, &job), 0);
	assert_int_equal(crew_running(crew), 3);
	crew_close(crew);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_process_is_added_when_descriptors_run_out),
		cmocka_unit_test(every_cpu_is_used_when_there_is_work),
		cmocka_unit_test(the_parent_sees_what_every_child_wrote),
		cmocka_unit_test(children_that_hang_are_ended_with_the_crew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
