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

#include "server/hist.h"

static void an_empty_one_has_no_quantile(void **state)
{
	static const struct hist EMPTY;

	assert_int_equal(hist_quantile(&EMPTY, 0.5), 0);
	assert_int_equal(hist_quantile(&EMPTY, 1), 0);
}

static void small_values_are_exact(void **state)
{
	static struct hist hist;

	for (uint64_t value = 1; value <= 100; value++)
		hist_add(&hist, value);
	assert_int_equal(hist_quantile(&hist, 0.5), 50);
	assert_int_equal(hist_quantile(&hist, 0.99), 99);
	assert_int_equal(hist_quantile(&hist, 0), 1);
	assert_int_equal(hist_quantile(&hist, 1), 100);
}

static void the_maximum_is_exact_however_large(void **state)
{
	static struct hist hist;

	hist_add(&hist, 1);
	hist_add(&hist, UINT64_MAX);
	assert_int_equal(hist_quantile(&hist, 1), UINT64_MAX);
	assert_int_equal(hist_quantile(&hist, 0.5), 1);
}

static void a_quantile_is_never_too_low_and_at_most_a_bucket_too_high(void **state)
{
	unsigned seed = (unsigned)time(NULL);

	print_message("seed %u\n", seed);
	srandom(seed);
	for (int i = 0; i < 20000; i++) {
		struct hist hist = { 0 };
		uint64_t value = ((uint64_t)random() << 20 | (uint64_t)random()) &
				 ((UINT64_C(1) << HIST_VALUE_BITS) - 1);
		uint64_t shown;

		value >>= random() % HIST_VALUE_BITS;
		hist_add(&hist, value);
		hist_add(&hist, UINT64_MAX);
		shown = hist_quantile(&hist, 0.5);
		assert_true(shown >= value);
		assert_true(shown - value <= value / HIST_SUBS);
	}
}

static void merging_is_as_if_one_had_recorded_all(void **state)
{
	static struct hist whole, parts[3], sum;

	for (unsigned i = 0; i < 3000; i++) {
		uint64_t value = (uint64_t)i * i * 17;

		hist_add(&whole, value);
		hist_add(&parts[i % 3], value);
	}
	for (int i = 0; i < 3; i++)
		hist_merge(&sum, &parts[i]);
	assert_memory_equal(&sum, &whole, sizeof(sum));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_one_has_no_quantile),
		cmocka_unit_test(small_values_are_exact),
		cmocka_unit_test(the_maximum_is_exact_however_large),
		cmocka_unit_test(
			a_quantile_is_never_too_low_and_at_most_a_bucket_too_high),
		cmocka_unit_test(merging_is_as_if_one_had_recorded_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
