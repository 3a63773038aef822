// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/budget.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "guard/config.h"
#include "lib/text.h"

static void a_budget_reaches_as_far_as_its_entries_live(void **state)
{
	struct budget_reach reach = {
		.count = 1, .per_s = 1000, .timeout_s = 30, .limit = 31000
	};

	assert_false(budget_exceeds(&reach));
	reach.limit--;
	assert_true(budget_exceeds(&reach));
	reach.timeout_s = 10;
	assert_false(budget_exceeds(&reach));
}

static void what_is_not_known_is_not_complained_about(void **state)
{
	const struct budget_reach nothing = { .timeout_s = 30, .limit = 1 };
	const struct budget_reach unknown = { .count = 1, .per_s = 1e7, .timeout_s = 30 };

	assert_false(budget_exceeds(&nothing));
	assert_false(budget_exceeds(&unknown));
}

static void all_budgets_count_together(void **state)
{
	struct config config;
	struct budget_reach reach;
	struct text text = { 0 };

	config_init(&config);
	assert_int_equal(config_add_service(&config, "udp/53", &text), 0);
	assert_int_equal(config_add_service(&config, "udp/9000", &text), 0);
	assert_int_equal(config_add_service(&config, "tcp/80", &text), 0);
	config.services[0].budget_per_s = 1000;
	config.services[1].budget_per_s = 500;
	reach = budget_measure(&config);
	assert_int_equal(reach.count, 2);
	assert_true(reach.per_s == 1500);
	reach.limit = 10000;
	reach.timeout_s = 30;
	budget_explain(&reach, &text);
	assert_string_equal(text_str(&text),
			    "the budgets together let 1500 packets/s be tracked, whose "
			    "entries live 30 s: 46500 can be there at once, and the "
			    "limit is 10000");
	text_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_budget_reaches_as_far_as_its_entries_live),
		cmocka_unit_test(what_is_not_known_is_not_complained_about),
		cmocka_unit_test(all_budgets_count_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
