// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rules/comment.h"

static void the_value_of_the_type_is_found(void **state)
{
	static const uint8_t DATA[] = { 1, 1, 9, 0, 3, 'a', 'b', 0, 2, 0 };
	size_t length = 0;
	const char *found = comment_find(DATA, sizeof(DATA), 0, &length);

	assert_non_null(found);
	assert_string_equal(found, "ab");
	assert_int_equal(length, 3);
	assert_non_null(comment_find(DATA, sizeof(DATA), 2, &length));
	assert_int_equal(length, 0);
	assert_null(comment_find(DATA, sizeof(DATA), 7, &length));
}

/* In a block of just that size, so that a byte too far is seen. */
static void lengths_that_lead_out_of_it_are_not_followed(void **state)
{
	static const uint8_t DATA[] = { 1, 1, 9, 0, 3, 'a', 'b', 0 };
	size_t length;

	for (size_t bytes = 0; bytes < sizeof(DATA); bytes++) {
		uint8_t *cut = malloc(bytes ? bytes : 1);

		memcpy(cut, DATA, bytes);
		assert_null(comment_find(cut, bytes, 0, &length));
		free(cut);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_value_of_the_type_is_found),
		cmocka_unit_test(lengths_that_lead_out_of_it_are_not_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
