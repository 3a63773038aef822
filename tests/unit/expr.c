// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/expr.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct expr_rule recognise(const struct nftnl_rule *rule, const char *chain)
{
	struct expr_rule found;

	assert_int_equal(expr_recognise(rule, chain, &found), 0);
	return found;
}

static const char *hook_of(unsigned index)
{
	return layout_hook_name(layout_lookup(index)->hook);
}

static void what_is_written_is_known_again(void **state)
{
	for (unsigned i = 0; i < LAYOUT_LOOKUPS; i++) {
		struct nftnl_rule *rule = nftnl_rule_alloc();
		struct expr_rule found;

		assert_int_equal(expr_put_lookup(rule, layout_lookup(i)), 0);
		found = recognise(rule, hook_of(i));
		assert_int_equal(found.meaning, EXPR_LOOKUP);
		assert_int_equal(found.lookup, i);
		assert_int_equal(recognise(rule, "input").meaning, EXPR_STRANGE);
		nftnl_rule_free(rule);
	}
}

static void one_expression_more_makes_it_strange(void **state)
{
	for (unsigned i = 0; i < LAYOUT_LOOKUPS; i++) {
		struct nftnl_rule *rule = nftnl_rule_alloc();
		int err = 0;

		put(rule, "counter", &err);
		assert_int_equal(err, 0);
		assert_int_equal(expr_put_lookup(rule, layout_lookup(i)), 0);
		assert_int_equal(recognise(rule, hook_of(i)).meaning, EXPR_STRANGE);
		nftnl_rule_free(rule);
	}
}

/* Changes the nth number of the rule; false when there are no more. */
static bool change_number(struct nftnl_rule *rule, unsigned n)
{
	static const struct {
		const char *name;
		uint16_t attribute;
	} NUMBERS[] = {
		{ "fib", NFTNL_EXPR_FIB_FLAGS },
		{ "fib", NFTNL_EXPR_FIB_RESULT },
		{ "cmp", NFTNL_EXPR_CMP_OP },
		{ "meta", NFTNL_EXPR_META_KEY },
		{ "payload", NFTNL_EXPR_PAYLOAD_BASE },
		{ "payload", NFTNL_EXPR_PAYLOAD_OFFSET },
		{ "payload", NFTNL_EXPR_PAYLOAD_LEN },
		{ "payload", NFTNL_EXPR_PAYLOAD_DREG },
		{ "lookup", NFTNL_EXPR_LOOKUP_SREG },
		{ "lookup", NFTNL_EXPR_LOOKUP_FLAGS },
	};
	struct nftnl_expr_iter *iter = nftnl_expr_iter_create(rule);
	struct nftnl_expr *expr;
	bool changed = false;

	while (!changed && (expr = nftnl_expr_iter_next(iter))) {
		for (size_t i = 0; i < sizeof(NUMBERS) / sizeof(NUMBERS[0]); i++) {
			uint16_t attribute = NUMBERS[i].attribute;

			if (!is_named(expr, NUMBERS[i].name) || n-- > 0)
				continue;
			nftnl_expr_set_u32(expr, attribute,
					   nftnl_expr_get_u32(expr, attribute) ^ 1);
			changed = true;
			break;
		}
	}
	nftnl_expr_iter_destroy(iter);
	return changed;
}

static void any_other_number_makes_it_strange(void **state)
{
	unsigned changes = 0;

	for (unsigned i = 0; i < LAYOUT_LOOKUPS; i++) {
		bool changed = true;

		for (unsigned n = 0; changed; n++) {
			struct nftnl_rule *rule = nftnl_rule_alloc();

			assert_int_equal(expr_put_lookup(rule, layout_lookup(i)), 0);
			changed = change_number(rule, n);
			changes += changed;
			if (changed)
				assert_int_equal(recognise(rule, hook_of(i)).meaning,
						 EXPR_STRANGE);
			nftnl_rule_free(rule);
		}
	}
	assert_true(changes > 60);
}

static void an_empty_rule_is_strange(void **state)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();

	assert_int_equal(recognise(rule, "output").meaning, EXPR_STRANGE);
	nftnl_rule_free(rule);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_known_again),
		cmocka_unit_test(one_expression_more_makes_it_strange),
		cmocka_unit_test(any_other_number_makes_it_strange),
		cmocka_unit_test(an_empty_rule_is_strange),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
