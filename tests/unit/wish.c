// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/service.h"
#include "rules/plan.h"
#include "rules/ruleset.h"
#include "rules/wish.h"

static const struct service UDP_9000 = { .proto = IPPROTO_UDP,
					 .first_port = 9000,
					 .last_port = 9000 };
static const struct terms TERMS = { .lease_ms = 30000, .holder = { "ctguard", 7 } };
static const struct wish ADD = { WISH_ADD, &UDP_9000, 1, &TERMS };
static const struct wish REFRESH = { WISH_REFRESH, &UDP_9000, 1, &TERMS };
static const struct wish DELETE = { WISH_DELETE, &UDP_9000, 1, NULL };
static const struct wish FLUSH = { WISH_FLUSH, NULL, 0, NULL };
static const struct wish COLLECT = { WISH_COLLECT, &UDP_9000, 1, NULL };

static void make(struct ruleset *ruleset, const struct wish *wish)
{
	struct plan plan = { 0 };

	assert_int_equal(wish_plan(wish, ruleset, &plan), 0);
	plan_committed(&plan, ruleset);
	plan_free(&plan);
}

static void what_was_carried_out_is_fulfilled(void **state)
{
	struct ruleset ruleset = { .generation = 1 };

	assert_false(wish_fulfilled(&ADD, &ruleset, 0));
	assert_true(wish_fulfilled(&DELETE, &ruleset, 0));
	assert_true(wish_fulfilled(&FLUSH, &ruleset, 0));
	make(&ruleset, &ADD);
	assert_true(wish_fulfilled(&ADD, &ruleset, 0));
	assert_true(wish_fulfilled(&REFRESH, &ruleset, 0));
	assert_false(wish_fulfilled(&DELETE, &ruleset, 0));
	assert_false(wish_fulfilled(&FLUSH, &ruleset, 0));
	assert_false(wish_fulfilled(&COLLECT, &ruleset, 0));
	make(&ruleset, &DELETE);
	assert_true(wish_fulfilled(&DELETE, &ruleset, 0));
}

static void the_lease_of_another_or_an_older_one_is_not(void **state)
{
	const struct terms share = { .lease_ms = 30000,
				     .extent = { EXTENT_SHARE, .percent = 5 },
				     .holder = { "ctguard", 7 } };
	const struct terms forever = { .holder = { "ctguard", 7 } };
	const struct terms other = { .lease_ms = 30000, .holder = { "ctguard", 8 } };
	const struct wish others[] = {
		{ WISH_ADD, &UDP_9000, 1, &share },
		{ WISH_ADD, &UDP_9000, 1, &forever },
		{ WISH_ADD, &UDP_9000, 1, &other },
	};
	struct ruleset ruleset = { .generation = 1 };

	make(&ruleset, &ADD);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(wish_fulfilled(&others[i], &ruleset, 0));
	ruleset.services[0].expires_ms -= 1000;
	assert_false(wish_fulfilled(&ADD, &ruleset, 900));
	assert_true(wish_fulfilled(&ADD, &ruleset, 1000));
	ruleset.services[0].sides[LAYOUT_OUT].lease = false;
	assert_false(wish_fulfilled(&REFRESH, &ruleset, 1000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_carried_out_is_fulfilled),
		cmocka_unit_test(the_lease_of_another_or_an_older_one_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
