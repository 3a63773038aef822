// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/args.h"
#include "server/capacity.h"

static void without_a_wish_there_is_a_worker_per_cpu(void **state)
{
	struct capacity capacity = { .descriptors = 1024, .cpus = 4, .sockets = 2 };
	struct args_why why = { "" };
	unsigned workers = 0;

	assert_int_equal(capacity_workers(&capacity, &workers, &why), 0);
	assert_int_equal(workers, 4);
	capacity.connections = 100;
	assert_int_equal(capacity_workers(&capacity, &workers, &why), 0);
	assert_int_equal(workers, 4);
	capacity.workers = 1;
	assert_int_equal(capacity_workers(&capacity, &workers, &why), 0);
	assert_int_equal(workers, 1);
}

/* 53 = 1,000,000 / 19,111: what 20,000 descriptors less reserve and spread leave. */
static void connections_ask_for_workers_with_room_for_the_spread(void **state)
{
	struct capacity capacity = {
		.descriptors = 20000, .cpus = 2, .sockets = 2, .connections = 1000000
	};
	struct args_why why = { "" };
	unsigned workers = 0;

	assert_int_equal(capacity_workers(&capacity, &workers, &why), 0);
	assert_int_equal(workers, 53);
}

static void what_does_not_fit_is_said(void **state)
{
	struct capacity capacity = { .descriptors = 1024,
				     .cpus = 2,
				     .sockets = 1,
				     .workers = 2,
				     .connections = 5000 };
	struct args_why why = { "" };
	unsigned workers = 77;

	assert_int_equal(capacity_workers(&capacity, &workers, &why), -ERANGE);
	assert_non_null(
		strstr(why.text, "5000 connections do not fit: 2 workers with 1024 "));
	capacity.workers = 0;
	capacity.connections = 100000000;
	assert_int_equal(capacity_workers(&capacity, &workers, &why), -ERANGE);
	assert_non_null(strstr(why.text, "1000 workers"));
	assert_int_equal(workers, 77);
}

static void too_few_descriptors_are_said(void **state)
{
	struct capacity capacity = { .cpus = 2, .sockets = 4 };
	struct args_why why = { "" };
	unsigned workers = 77;

	for (capacity.descriptors = 0; capacity.descriptors < 32;
	     capacity.descriptors++) {
		assert_int_equal(capacity_workers(&capacity, &workers, &why), -ERANGE);
		assert_non_null(
			strstr(why.text, "2 workers with 4 sockets each need 32 "));
	}
	assert_int_equal(capacity_workers(&capacity, &workers, &why), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_wish_there_is_a_worker_per_cpu),
		cmocka_unit_test(connections_ask_for_workers_with_room_for_the_spread),
		cmocka_unit_test(what_does_not_fit_is_said),
		cmocka_unit_test(too_few_descriptors_are_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
