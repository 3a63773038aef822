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

#include "server/tally.h"

static void failures_are_counted_by_errno_of_either_sign(void **state)
{
	struct tally tally = { 0 };

	tally_add(&tally, EPERM, 2);
	tally_add(&tally, -EPERM, 1);
	tally_add(&tally, -ECONNREFUSED, 1);
	assert_int_equal(tally.by_errno[EPERM], 3);
	assert_int_equal(tally_total(&tally), 4);
	assert_int_equal(tally_worst(&tally), EPERM);
}

static void numbers_that_linux_does_not_have_stay_in_bounds(void **state)
{
	struct tally tally = { 0 };

	tally_add(&tally, INT32_MIN, 1);
	tally_add(&tally, INT32_MAX, 1);
	tally_add(&tally, TALLY_ERRNOS, 1);
	assert_int_equal(tally.by_errno[0], 3);
}

static void merging_adds(void **state)
{
	struct tally a = { 0 }, b = { 0 };

	tally_add(&a, EPERM, 1);
	tally_add(&b, EPERM, 2);
	tally_add(&b, EIO, 3);
	tally_merge(&a, &b);
	assert_int_equal(a.by_errno[EPERM], 3);
	assert_int_equal(a.by_errno[EIO], 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failures_are_counted_by_errno_of_either_sign),
		cmocka_unit_test(numbers_that_linux_does_not_have_stay_in_bounds),
		cmocka_unit_test(merging_adds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
