// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/meaning.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct meaning read_rule(const struct nftnl_rule *rule, const char *chain)
{
	struct meaning found;

	assert_int_equal(meaning_read(rule, chain, &found), 0);
	return found;
}

static const char *hook_of(unsigned index)
{
	return layout_hook_name(layout_lookup(index).hook);
}

/* Look-up number index, behind what the rule has already. */
static void put_lookup(struct nftnl_rule *rule, unsigned index)
{
	const struct layout_lookup lookup = layout_lookup(index);

	assert_int_equal(expr_put_lookup(rule, &lookup), 0);
}

/* Rules of services' chains of every form. */
static const struct untrack UNTRACKS[] = {
	{ .packets = 7, .bytes = 1 },
	{ .extent = { EXTENT_BUDGET, .packets_per_s = 2000 }, .bytes = 5 },
	{ .extent = { EXTENT_SHARE, .percent = 1, .seed = 0xdeadbeef },
	  .family = AF_INET,
	  .by_source = true },
	{ .from_here = true, .packets = 2 },
	{ .extent = { EXTENT_BUDGET, .packets_per_s = 1 }, .from_here = true },
	{ .extent = { EXTENT_SHARE, .percent = 50, .seed = 7 },
	  .family = AF_INET6,
	  .from_here = true },
	{ .extent = { EXTENT_SHARE, .percent = 99 }, .family = AF_INET6, .packets = 3 },
};

enum { UNTRACK_FORMS = sizeof(UNTRACKS) / sizeof(UNTRACKS[0]) };

static void what_is_written_is_known_again(void **state)
{
	for (unsigned i = 0; i < LAYOUT_LOOKUPS; i++) {
		struct nftnl_rule *rule = nftnl_rule_alloc();
		struct meaning found;

		put_lookup(rule, i);
		found = read_rule(rule, hook_of(i));
		assert_int_equal(found.kind, MEANING_LOOKUP);
		assert_int_equal(found.lookup, i);
		assert_int_equal(read_rule(rule, "input").kind, MEANING_STRANGE);
		nftnl_rule_free(rule);
	}
}

static void one_expression_more_makes_it_strange(void **state)
{
	for (unsigned i = 0; i < LAYOUT_LOOKUPS; i++) {
		struct nftnl_rule *rule = nftnl_rule_alloc();

		nftnl_rule_add_expr(rule, nftnl_expr_alloc("counter"));
		put_lookup(rule, i);
		assert_int_equal(read_rule(rule, hook_of(i)).kind, MEANING_STRANGE);
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
		{ "limit", NFTNL_EXPR_LIMIT_BURST },
		{ "limit", NFTNL_EXPR_LIMIT_TYPE },
		{ "limit", NFTNL_EXPR_LIMIT_FLAGS },
		{ "hash", NFTNL_EXPR_HASH_SREG },
		{ "hash", NFTNL_EXPR_HASH_LEN },
		{ "hash", NFTNL_EXPR_HASH_MODULUS },
		{ "hash", NFTNL_EXPR_HASH_SEED },
		{ "hash", NFTNL_EXPR_HASH_TYPE },
		{ "byteorder", NFTNL_EXPR_BYTEORDER_OP },
		{ "byteorder", NFTNL_EXPR_BYTEORDER_SIZE },
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

			put_lookup(rule, i);
			changed = change_number(rule, n);
			changes += changed;
			if (changed)
				assert_int_equal(read_rule(rule, hook_of(i)).kind,
						 MEANING_STRANGE);
			nftnl_rule_free(rule);
		}
	}
	assert_true(changes > 60);
}

static void a_no_op_that_nft_writes_does_not_matter(void **state)
{
	for (unsigned i = 0; i < LAYOUT_LOOKUPS; i++) {
		struct nftnl_rule *rule = nftnl_rule_alloc();
		struct nftnl_expr *expr = nftnl_expr_alloc("byteorder");

		nftnl_expr_set_u32(expr, NFTNL_EXPR_BYTEORDER_LEN, 1);
		nftnl_rule_add_expr(rule, expr);
		put_lookup(rule, i);
		assert_int_equal(read_rule(rule, hook_of(i)).lookup, i);
		nftnl_expr_set_u32(expr, NFTNL_EXPR_BYTEORDER_LEN, 2);
		assert_int_equal(read_rule(rule, hook_of(i)).kind, MEANING_STRANGE);
		nftnl_rule_free(rule);
	}
}

static void the_rule_of_a_service_is_read_back(void **state)
{
	for (unsigned i = 0; i < UNTRACK_FORMS; i++) {
		struct nftnl_rule *rule = nftnl_rule_alloc();
		struct meaning found;

		assert_int_equal(expr_put_untrack(rule, &UNTRACKS[i]), 0);
		found = read_rule(rule, "in_udp_53");
		assert_int_equal(found.kind, MEANING_UNTRACK);
		assert_true(extent_equal(&found.untrack.extent, &UNTRACKS[i].extent));
		assert_int_equal(found.untrack.extent.seed, UNTRACKS[i].extent.seed);
		assert_int_equal(found.untrack.family, UNTRACKS[i].family);
		assert_int_equal(found.untrack.by_source, UNTRACKS[i].by_source);
		assert_int_equal(found.untrack.from_here, UNTRACKS[i].from_here);
		assert_int_equal(found.untrack.packets, UNTRACKS[i].packets);
		assert_int_equal(found.untrack.bytes, UNTRACKS[i].bytes);
		nftnl_rule_add_expr(rule, nftnl_expr_alloc("notrack"));
		assert_int_equal(read_rule(rule, "in_udp_53").kind, MEANING_STRANGE);
		nftnl_rule_free(rule);
	}
}

/* Other numbers of a share or a budget are another one, or strange; never the same. */
static void no_other_number_means_the_same(void **state)
{
	unsigned strange = 0;

	for (unsigned i = 0; i < UNTRACK_FORMS; i++) {
		bool changed = true;

		for (unsigned n = 0; changed; n++) {
			struct nftnl_rule *rule = nftnl_rule_alloc();
			struct meaning found;

			assert_int_equal(expr_put_untrack(rule, &UNTRACKS[i]), 0);
			changed = change_number(rule, n);
			found = read_rule(rule, "in_udp_53");
			strange += found.kind == MEANING_STRANGE;
			if (changed && found.kind == MEANING_UNTRACK)
				assert_false(found.untrack.extent.seed ==
						     UNTRACKS[i].extent.seed &&
					     found.untrack.by_source ==
						     UNTRACKS[i].by_source);
			nftnl_rule_free(rule);
		}
	}
	assert_true(strange > 30);
}

static void an_empty_rule_is_strange(void **state)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();

	assert_int_equal(read_rule(rule, "output").kind, MEANING_STRANGE);
	nftnl_rule_free(rule);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_known_again),
		cmocka_unit_test(one_expression_more_makes_it_strange),
		cmocka_unit_test(any_other_number_makes_it_strange),
		cmocka_unit_test(a_no_op_that_nft_writes_does_not_matter),
		cmocka_unit_test(the_rule_of_a_service_is_read_back),
		cmocka_unit_test(no_other_number_means_the_same),
		cmocka_unit_test(an_empty_rule_is_strange),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
