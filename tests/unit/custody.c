// SPDX-License-Identifier: GPL-2.0-or-later
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "guard/custody.h"

/* Our table is gone, the others are as they were, and the guard was awake. */
static struct custody_scene gone(void)
{
	return (struct custody_scene){
		.table_gone = true,
		.others_known = true,
		.others_any = true,
		.others_same = true,
		.unrefreshed_s = 1,
		.lease_s = 30,
		.flushed_s = INFINITY,
	};
}

static void a_table_deleted_alone_was_meant(void **state)
{
	struct custody_scene scene = gone();

	assert_int_equal(custody_judge(&scene), CUSTODY_REMOVED);
	/* Also while the guard slept: a lease that runs out leaves the table. */
	scene.unrefreshed_s = 60;
	assert_int_equal(custody_judge(&scene), CUSTODY_REMOVED);
}

static void a_table_deleted_with_others_was_not_meant(void **state)
{
	struct custody_scene scene = gone();

	scene.others_same = false;
	assert_int_equal(custody_judge(&scene), CUSTODY_FLUSHED);
}

static void in_doubt_it_was_not_meant(void **state)
{
	struct custody_scene scene = gone();

	scene.others_known = false;
	assert_int_equal(custody_judge(&scene), CUSTODY_FLUSHED);
	scene = gone();
	scene.flushed_s = 1;
	assert_int_equal(custody_judge(&scene), CUSTODY_FLUSHED);
	scene.flushed_s = 10;
	assert_int_equal(custody_judge(&scene), CUSTODY_REMOVED);
}

static void where_there_is_no_other_table_it_was_meant_the_second_time(void **state)
{
	struct custody_scene scene = gone();

	scene.others_any = false;
	assert_int_equal(custody_judge(&scene), CUSTODY_FLUSHED);
	scene.flushed_s = 4;
	assert_int_equal(custody_judge(&scene), CUSTODY_FLUSHED);
	scene.flushed_s = 6;
	assert_int_equal(custody_judge(&scene), CUSTODY_REMOVED);
	scene.flushed_s = 61;
	assert_int_equal(custody_judge(&scene), CUSTODY_FLUSHED);
}

static void what_has_no_lease_cannot_have_lapsed(void **state)
{
	struct custody_scene scene = gone();

	scene.lease_s = INFINITY;
	scene.unrefreshed_s = 1e6;
	scene.others_same = false;
	assert_int_equal(custody_judge(&scene), CUSTODY_FLUSHED);
	scene.table_gone = false;
	assert_int_equal(custody_judge(&scene), CUSTODY_CHANGED);
}

static void what_would_have_lapsed_is_not_put_back(void **state)
{
	struct custody_scene scene = gone();

	scene.others_same = false;
	scene.unrefreshed_s = 30;
	assert_int_equal(custody_judge(&scene), CUSTODY_LAPSED);
	scene.table_gone = false;
	assert_int_equal(custody_judge(&scene), CUSTODY_LAPSED);
	scene.unrefreshed_s = 29;
	assert_int_equal(custody_judge(&scene), CUSTODY_CHANGED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_deleted_alone_was_meant),
		cmocka_unit_test(a_table_deleted_with_others_was_not_meant),
		cmocka_unit_test(in_doubt_it_was_not_meant),
		cmocka_unit_test(
			where_there_is_no_other_table_it_was_meant_the_second_time),
		cmocka_unit_test(what_has_no_lease_cannot_have_lapsed),
		cmocka_unit_test(what_would_have_lapsed_is_not_put_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
