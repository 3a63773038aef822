// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/sweep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/text.h"

static struct sweep sweep;

static int begin(void **state)
{
	sweep = (struct sweep){ .services = json_array() };
	return 0;
}

static int end(void **state)
{
	sweep_end(&sweep);
	return 0;
}

static void the_verdict_is_the_gravest(void **state)
{
	assert_int_equal(sweep_verdict(&sweep), AUDIT_SAFE);
	sweep.unsure = true;
	assert_int_equal(sweep_verdict(&sweep), AUDIT_UNKNOWN);
	sweep.unsafe = true;
	assert_int_equal(sweep_verdict(&sweep), AUDIT_UNSAFE);
}

static void who_was_left_out_is_counted_and_not_known(void **state)
{
	struct text text = { 0 };
	json_t *object = json_object();

	sweep.tenants.left_out = 4;
	assert_int_equal(sweep_verdict(&sweep), AUDIT_UNKNOWN);
	sweep_text(&sweep, &text);
	assert_non_null(
		strstr(text_str(&text), "There are 4 more, which were not looked at.\n"));
	sweep_json(&sweep, object);
	assert_int_equal(json_integer_value(json_object_get(object, "left_out")), 4);
	json_decref(object);
	text_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_verdict_is_the_gravest, begin, end),
		cmocka_unit_test_setup_teardown(who_was_left_out_is_counted_and_not_known,
						begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
