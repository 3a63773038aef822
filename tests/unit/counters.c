// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "conntrack/counters.h"
#include "conntrack/table.h"

/* Of kernel 6.18, with two CPUs; and of 5.10. */
static const char NEW[] =
	"entries  clashres found new invalid ignore delete chainlength insert "
	"insert_failed drop early_drop icmp_error  expect_new expect_create "
	"expect_delete "
	"search_restart\n"
	"0003ffff  00000001 00000002 00000000 00000003 00000000 00000000 00000004 "
	"00000005 00000006 00000007 00000008 00000009  00000000 00000000 00000000 "
	"0000000a\n"
	"0003ffff  00000010 00000020 00000000 00000030 00000000 00000000 00000040 "
	"00000050 00000060 00000070 00000080 00000090  00000000 00000000 00000000 "
	"fffffffa\n";
static const char OLD[] =
	"entries  clashres found new invalid ignore delete delete_list insert "
	"insert_failed drop early_drop icmp_error  expect_new expect_create "
	"expect_delete "
	"search_restart\n"
	"00000001  00000001 00000002 00000000 00000003 00000000 00000000 00000004 "
	"00000005 00000006 00000007 00000008 00000009  00000000 00000000 00000000 "
	"0000000a\n";

static int parse(const char *text, size_t length, struct table_counters *out)
{
	FILE *file = fmemopen((void *)(uintptr_t)text, length, "r");
	int err;

	assert_non_null(file);
	err = counters_parse(file, out);
	fclose(file);
	return err;
}

static void the_lines_of_all_processors_are_summed(void **state)
{
	struct table_counters c;

	assert_int_equal(parse(NEW, strlen(NEW), &c), 0);
	assert_int_equal(c.clash_resolve, 0x11);
	assert_int_equal(c.found, 0x22);
	assert_int_equal(c.invalid, 0x33);
	assert_int_equal(c.chain_toolong, 0x44);
	assert_int_equal(c.insert, 0x55);
	assert_int_equal(c.insert_failed, 0x66);
	assert_int_equal(c.drop, 0x77);
	assert_int_equal(c.early_drop, 0x88);
	assert_int_equal(c.error, 0x99);
	assert_int_equal(c.search_restart, 4);
}

static void a_column_that_a_kernel_lacks_is_none(void **state)
{
	struct table_counters c;

	assert_int_equal(parse(OLD, strlen(OLD), &c), 0);
	assert_int_equal(c.chain_toolong, 0);
	assert_int_equal(c.drop, 7);
	assert_int_equal(c.search_restart, 10);
}

static void what_is_cut_off_or_no_table_is_refused(void **state)
{
	static const char *const BAD[] = {
		"entries new\n00000000 00000000\n",
		"drop\n",
		"drop found\n00000001\n",
		"drop\n00000001 00000002\n",
		"drop\n0000000g\n",
		"\n\n",
		"drop drop drop\n00000001 00000002\n",
	};
	struct table_counters c = { .drop = 77 };
	const char *rows = strchr(NEW, '\n') + 1;

	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
		assert_int_equal(parse(BAD[i], strlen(BAD[i]), &c), -EBADMSG);
	/* Wherever it ends but after a number that may be whole. */
	for (size_t length = 1; length < (size_t)(rows - NEW) + 120; length++)
		assert_int_equal(parse(NEW, length, &c), -EBADMSG);
	assert_int_equal(c.drop, 77);
}

static void endless_lines_and_columns_are_refused(void **state)
{
	static char text[4096];
	struct table_counters c;
	size_t length = 0;

	memset(text, 'd', sizeof(text) - 1);
	assert_int_equal(parse(text, sizeof(text) - 1, &c), -EBADMSG);
	for (int i = 0; i < 80; i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, "drop%s",
					   i == 79 ? "\n" : " ");
	for (int i = 0; i < 80; i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, "1%s",
					   i == 79 ? "\n" : " ");
	assert_int_equal(parse(text, length, &c), -EBADMSG);
	/* A row longer than its heading. */
	length = (size_t)snprintf(text, sizeof(text), "drop\n");
	for (int i = 0; i < 300; i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, "1 ");
	assert_int_equal(parse(text, length, &c), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_lines_of_all_processors_are_summed),
		cmocka_unit_test(a_column_that_a_kernel_lacks_is_none),
		cmocka_unit_test(what_is_cut_off_or_no_table_is_refused),
		cmocka_unit_test(endless_lines_and_columns_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
