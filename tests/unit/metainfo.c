// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/metainfo.h"

static void every_output_starts_with_program_version_and_schema(void **state)
{
	json_t *object = metainfo_object("prog");
	char *text;

	assert_int_equal(json_object_set_new(object, "value", json_integer(1)), 0);
	text = json_dumps(object, JSON_COMPACT);
	assert_string_equal(
		text, "{\"metainfo\":{\"program\":\"prog\",\"version\":\"" CTKIT_VERSION
		      "\",\"json_schema_version\":1},\"value\":1}");
	free(text);
	json_decref(object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_output_starts_with_program_version_and_schema),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
