// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "rules/legacy.h"

/* Files stand for the kernel's lists. */
static void what_was_opened_is_read_anew_each_time(void **state)
{
	FILE *list4 = tmpfile(), *list6 = tmpfile();
	const struct legacy legacy = { { fileno(list4), fileno(list6) }, { -1, -1 } };

	assert_int_equal(legacy_look(&legacy), 0);
	assert_int_equal(legacy_look(&legacy), 0);
	assert_int_equal(write(fileno(list6), "nat\n", 4), 4);
	assert_int_equal(legacy_look(&legacy), LEGACY_IP6);
	assert_int_equal(legacy_look(&legacy), LEGACY_IP6);
	assert_int_equal(write(fileno(list4), "raw\n", 4), 4);
	assert_int_equal(legacy_look(&legacy), LEGACY_IP4 | LEGACY_IP6);
	assert_int_equal(ftruncate(fileno(list6), 0), 0);
	assert_int_equal(legacy_look(&legacy), LEGACY_IP4);
	fclose(list4);
	fclose(list6);
}

static void a_list_that_cannot_be_read_is_hidden_not_empty(void **state)
{
	FILE *list = tmpfile();
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	{
		/* A pipe has no beginning to read from. */
		const struct legacy legacy = { { ends[0], fileno(list) }, { -1, -1 } };

		assert_int_equal(legacy_look(&legacy), LEGACY_HIDDEN);
	}
	close(ends[0]);
	close(ends[1]);
	fclose(list);
}

static void closing_what_was_not_opened_does_no_harm(void **state)
{
	struct legacy legacy = { { -1, -1 }, { -1, -1 } };

	legacy_close(&legacy);
	legacy_open(&legacy);
	legacy_close(&legacy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_opened_is_read_anew_each_time),
		cmocka_unit_test(a_list_that_cannot_be_read_is_hidden_not_empty),
		cmocka_unit_test(closing_what_was_not_opened_does_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
