// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/args.h"

static void counts_take_decimal_suffixes(void **state)
{
	struct args_why why;
	uint64_t value = 0;

	assert_int_equal(args_count("500", 0, 1000, &value, &why), 0);
	assert_int_equal(value, 500);
	assert_int_equal(args_count("10k", 0, 1000000, &value, &why), 0);
	assert_int_equal(value, 10000);
	assert_int_equal(args_count("1.5M", 0, 10000000, &value, &why), 0);
	assert_int_equal(value, 1500000);
}

static void counts_refuse_what_is_not_one(void **state)
{
	static const char *const BAD[] = { "",     " 1",   "1 ",  "-1",     "+1",
					   "0x10", "1e3",  "1.5", "1.",     ".5",
					   "10kk", "10kB", "inf", "nan",    "1\n",
					   "1,5",  "k",    "--",  "0.0001k" };
	struct args_why why;
	uint64_t value = 77;

	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
		assert_int_equal(args_count(BAD[i], 0, UINT64_MAX, &value, &why),
				 -EINVAL);
		assert_non_null(strstr(why.text, BAD[i]));
	}
	assert_int_equal(value, 77);
}

static void counts_stay_in_range(void **state)
{
	struct args_why why;
	uint64_t value = 77;

	assert_int_equal(args_count("9", 10, 20, &value, &why), -ERANGE);
	assert_int_equal(args_count("21", 10, 20, &value, &why), -ERANGE);
	assert_int_equal(args_count("99999999999999999999", 0, UINT64_MAX, &value, &why),
			 -ERANGE);
	assert_string_equal(why.text, "\"99999999999999999999\" is out of range "
				      "(0 to 18446744073709551615)");
	assert_int_equal(value, 77);
}

static void durations_take_units_and_default_to_seconds(void **state)
{
	struct args_why why;
	double value = 0;

	assert_int_equal(args_duration("250ms", 0, 1e6, &value, &why), 0);
	assert_float_equal(value, 0.25, 1e-9);
	assert_int_equal(args_duration("5m", 0, 1e6, &value, &why), 0);
	assert_float_equal(value, 300, 1e-9);
	assert_int_equal(args_duration("2h", 0, 1e6, &value, &why), 0);
	assert_float_equal(value, 7200, 1e-9);
	assert_int_equal(args_duration("1.5", 0, 1e6, &value, &why), 0);
	assert_float_equal(value, 1.5, 1e-9);
}

static void a_range_of_durations_is_told_in_units(void **state)
{
	static const struct {
		double min_s, max_s;
		const char *range;
	} CASES[] = {
		{ 0.1, 365 * 86400.0, "(100ms to 365d)" },
		{ 0.01, 3600, "(10ms to 1h)" },
		{ 1, 90, "(1s to 90s)" },
		{ 1.5, 300, "(1500ms to 5m)" },
		{ 1e-6, 5400, "(1e-06s to 90m)" },
	};
	struct args_why why;
	double value = 0;

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		assert_int_equal(
			args_duration("0", CASES[i].min_s, CASES[i].max_s, &value, &why),
			-ERANGE);
		assert_non_null(strstr(why.text, CASES[i].range));
	}
	assert_int_equal(args_duration("4000d", 0, 60, &value, &why), -ERANGE);
	assert_non_null(strstr(why.text, "(0s to 1m)"));
}

static void durations_refuse_other_units_and_ranges(void **state)
{
	struct args_why why;
	double value = 7;

	assert_int_equal(args_duration("5 s", 0, 1e6, &value, &why), -EINVAL);
	assert_int_equal(args_duration("5min", 0, 1e6, &value, &why), -EINVAL);
	assert_int_equal(args_duration("0s", 0.001, 10, &value, &why), -ERANGE);
	assert_int_equal(args_duration("1h", 0.001, 10, &value, &why), -ERANGE);
	assert_float_equal(value, 7, 0);
}

static void shares_need_the_percent_sign(void **state)
{
	struct args_why why;
	double value = 0;

	assert_int_equal(args_share("80%", 0, 1, &value, &why), 0);
	assert_float_equal(value, 0.8, 1e-9);
	assert_int_equal(args_share("0.8", 0, 1, &value, &why), -EINVAL);
	assert_int_equal(args_share("101%", 0, 1, &value, &why), -ERANGE);
}

static void a_long_bad_input_leaves_a_readable_sentence(void **state)
{
	char text[5000];
	struct args_why why;
	uint64_t value;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(args_count(text, 0, 1, &value, &why), -EINVAL);
	assert_non_null(strstr(why.text, "is not a count"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_take_decimal_suffixes),
		cmocka_unit_test(counts_refuse_what_is_not_one),
		cmocka_unit_test(counts_stay_in_range),
		cmocka_unit_test(durations_take_units_and_default_to_seconds),
		cmocka_unit_test(a_range_of_durations_is_told_in_units),
		cmocka_unit_test(durations_refuse_other_units_and_ranges),
		cmocka_unit_test(shares_need_the_percent_sign),
		cmocka_unit_test(a_long_bad_input_leaves_a_readable_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
