// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "guard/pickup.c"

/* Whether this namespace takes connections up in their middle; where that cannot be read, it does. */
static bool takes_up(void)
{
	FILE *file = fopen(LOOSE_PATH, "r");
	int first = file ? getc(file) : '1';

	if (file)
		fclose(file);
	return first != '0';
}

static void what_is_so_either_way_needs_no_sysctl(void **state)
{
	static const struct midstream safe = { false, false };
	static const struct midstream unknown = { true, true };

	assert_false(pickup_cuts(&safe));
	assert_true(pickup_cuts(&unknown));
}

static void else_the_sysctl_decides(void **state)
{
	static const struct midstream strict = { .cuts_strict = true };
	static const struct midstream loose = { .cuts_loose = true };

	assert_int_equal(pickup_cuts(&strict), !takes_up());
	assert_int_equal(pickup_cuts(&loose), takes_up());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_so_either_way_needs_no_sysctl),
		cmocka_unit_test(else_the_sysctl_decides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
