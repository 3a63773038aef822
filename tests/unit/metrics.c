// SPDX-License-Identifier: GPL-2.0-or-later
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/metrics.h"
#include "lib/text.h"

/* Compares and forgets. */
static void assert_text(struct text *text, const char *expected)
{
	assert_true(text_ok(text));
	assert_string_equal(text_str(text), expected);
	text_free(text);
}

static void a_counter_is_exact_beyond_what_a_double_holds(void **state)
{
	struct text text = { 0 };

	metrics_counter(&text, "a_total", "All of it.", UINT64_MAX);
	assert_text(&text, "# HELP a_total All of it.\n# TYPE a_total counter\n"
			   "a_total 18446744073709551615\n");
}

static void numbers_read_back_as_they_were(void **state)
{
	struct text text = { 0 };

	metrics_number(&text, "a", NULL, 0.1);
	metrics_number(&text, "a", NULL, 1.0 / 3);
	metrics_number(&text, "a", NULL, -2e300);
	metrics_number(&text, "a", NULL, INFINITY);
	metrics_number(&text, "a", NULL, -INFINITY);
	metrics_number(&text, "a", NULL, NAN);
	assert_text(&text, "a 0.1\na 0.33333333333333331\na -2e+300\na +Inf\na -Inf\n"
			   "a NaN\n");
}

static void labels_and_help_are_escaped(void **state)
{
	const struct metrics_label labels[] = {
		{ "one", "a\"b\\c\nd" },
		{ "two", "" },
		{ NULL, NULL },
	};
	struct text text = { 0 };

	metrics_gauge(&text, "g", "a \"b\" \\ c\nd", 1);
	metrics_integer(&text, "g", labels, 7);
	assert_text(&text, "# HELP g a \"b\" \\\\ c\\nd\n# TYPE g gauge\ng 1\n"
			   "g{one=\"a\\\"b\\\\c\\nd\",two=\"\"} 7\n");
}

static void a_histogram_counts_up_to_infinity(void **state)
{
	const double bounds[] = { 0.001, 0.01 };
	const uint64_t counts[] = { 3, 0, 2 };
	const struct metrics_label labels[] = { { "step", "apply" }, { NULL, NULL } };
	struct text text = { 0 };

	metrics_histogram(&text, "h_seconds", NULL, bounds, counts, 2, 1.5);
	metrics_histogram(&text, "h_seconds", labels, bounds, counts, 0, 0);
	assert_text(&text, "h_seconds_bucket{le=\"0.001\"} 3\n"
			   "h_seconds_bucket{le=\"0.01\"} 3\n"
			   "h_seconds_bucket{le=\"+Inf\"} 5\n"
			   "h_seconds_sum 1.5\nh_seconds_count 5\n"
			   "h_seconds_bucket{step=\"apply\",le=\"+Inf\"} 3\n"
			   "h_seconds_sum{step=\"apply\"} 0\n"
			   "h_seconds_count{step=\"apply\"} 3\n");
}

static void the_process_is_described(void **state)
{
	static const char *const NAMES[] = {
		"\nprocess_cpu_seconds_total ",
		"\nprocess_resident_memory_bytes ",
		"\nprocess_virtual_memory_bytes ",
		"\nprocess_start_time_seconds ",
		"\nprocess_open_fds ",
		"\nprocess_max_fds ",
	};
	struct text text = { 0 };

	metrics_build_info(&text, "ctserve");
	metrics_process(&text);
	for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++)
		assert_non_null(strstr(text_str(&text), NAMES[i]));
	assert_non_null(strstr(text_str(&text),
			       "ctkit_build_info{program=\"ctserve\",version=\""));
	text_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_counter_is_exact_beyond_what_a_double_holds),
		cmocka_unit_test(numbers_read_back_as_they_were),
		cmocka_unit_test(labels_and_help_are_escaped),
		cmocka_unit_test(a_histogram_counts_up_to_infinity),
		cmocka_unit_test(the_process_is_described),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
