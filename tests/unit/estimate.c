// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conntrack/attribute.h"
#include "conntrack/estimate.h"
#include "conntrack/watch.h"

static const struct attribute_row QUARTER = { .flows = 1000 };

static struct reading reading_of(uint32_t entries, uint32_t expiring, bool complete)
{
	return (struct reading){
		.usage = { .entries = entries, .limit = 262144 },
		.sampled = true,
		.sample = { .flows = 4000, .expiring = expiring, .complete = complete },
	};
}

static void a_whole_table_is_known_exactly_whatever_is_counted(void **state)
{
	struct reading reading = reading_of(5000, 100, true);
	struct estimate estimate = estimate_row(&reading, &QUARTER);
	struct estimate_live live = estimate_live(&reading);

	assert_true(live.exact && live.least == 4000 && live.most == 4000);
	assert_true(estimate.entries == 1000 && estimate.entries_error == 0);
	assert_true(estimate.share == 0.25 && estimate.share_error == 0);
	/* What cannot be read is live all the same. */
	reading.sample.malformed = 3;
	assert_true(estimate_live(&reading).least == 4003);
}

static void where_nothing_is_about_to_expire_the_count_is_live(void **state)
{
	struct reading reading = reading_of(200000, 0, false);
	struct estimate estimate = estimate_row(&reading, &QUARTER);
	struct estimate_live live = estimate_live(&reading);

	assert_true(!live.exact && live.least == 200000 && live.most == 200000);
	assert_true(estimate.entries == 50000);
	assert_true(estimate.entries_error == estimate.share_error * 200000);
	assert_true(estimate.share_error > 0.013 && estimate.share_error < 0.014);
}

/* 30,000 live beside 100,000 that a flood has left behind, of which nothing is about to expire. */
static void what_has_expired_is_nobody_s(void **state)
{
	struct reading reading = reading_of(130000, 0, false);
	const struct attribute_row all = { .flows = 4000 };
	struct estimate estimate;

	reading.live = 28700;
	estimate = estimate_row(&reading, &all);
	assert_true(estimate.share == 1 && estimate.entries == 28700);
	assert_true(estimate.entries + estimate.entries_error >= 30000);
	assert_true(estimate.entries_error < 30000);
	assert_true(estimate_live(&reading).about == 28700);
	assert_true(estimate_live(&reading).least < 28700);
	assert_true(estimate_live(&reading).most == 130000);
	/* That is of a moment before or after: more than are counted do not live. */
	reading.live = 131000;
	assert_true(estimate_live(&reading).about == 130000);
}

/* Entries of 5 s each, at a steady rate: a count of 9 times what lived was measured so. */
static void what_expires_fast_may_be_counted_long_after(void **state)
{
	struct reading reading = reading_of(13199, 1600, false);
	struct estimate estimate = estimate_row(&reading, &QUARTER);
	struct estimate_live live = estimate_live(&reading);

	assert_true(live.most == 13199);
	assert_true(live.least < 1500 && live.least > 900);
	/* The 375 live ones of a quarter are within the error. */
	assert_true(estimate.entries - estimate.entries_error <= 375);
	assert_true(estimate.entries >= 375);
}

static void an_empty_sample_says_nothing(void **state)
{
	struct reading reading = reading_of(700, 0, false);
	const struct attribute_row none = { 0 };
	struct estimate estimate;

	reading.sample.flows = 0;
	estimate = estimate_row(&reading, &none);
	assert_true(estimate.entries == 0 && estimate.entries_error == 0);
	assert_true(estimate_live(&reading).least == 700);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_table_is_known_exactly_whatever_is_counted),
		cmocka_unit_test(where_nothing_is_about_to_expire_the_count_is_live),
		cmocka_unit_test(what_has_expired_is_nobody_s),
		cmocka_unit_test(what_expires_fast_may_be_counted_long_after),
		cmocka_unit_test(an_empty_sample_says_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
