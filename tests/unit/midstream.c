// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/midstream.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>

#include <cmocka.h>

#include "lib/service.h"
#include "rules/judge.h"

/* Rulesets built by hand, of one input chain: what the kernel would dump for the rules named. */
static struct evidence evidence;

static const struct service TCP_9000 = { .proto = IPPROTO_TCP,
					 .first_port = 9000,
					 .last_port = 9000 };

static struct model_chain *input(bool drops)
{
	struct model_table *table = model_add_table(&evidence.model, NFPROTO_INET, "t");
	struct model_chain *made = model_add_chain(&evidence.model, table, "input");

	made->base = true;
	made->hook = NF_INET_LOCAL_IN;
	made->drops = drops;
	return made;
}

static struct model_expr *expr(struct model_rule *in, enum model_kind kind)
{
	struct model_expr *made = model_add_expr(&evidence.model, in);

	made->kind = kind;
	made->name = "test";
	return made;
}

static struct model_data bytes(const void *data, size_t count)
{
	return (struct model_data){ .at = arena_copy(&evidence.model.arena, data, count),
				    .bytes = count };
}

/* ct state BITS VERDICT; bits 0: whatever it is */
static void rule(struct model_chain *in, uint32_t bits, enum model_verdict_code code)
{
	const uint32_t zero = 0;
	struct model_rule *made = model_add_rule(&evidence.model, in, 1);
	struct model_expr *at;

	if (bits) {
		at = expr(made, MODEL_CT);
		at->to = 0;
		at->number[0] = NFT_CT_STATE;
		at->given = 1;
		at = expr(made, MODEL_BITWISE);
		at->source = at->to = 0;
		at->number[0] = sizeof(bits);
		at->value = bytes(&bits, sizeof(bits));
		at->value2 = bytes(&zero, sizeof(zero));
		at = expr(made, MODEL_CMP);
		at->source = 0;
		at->number[0] = NFT_CMP_NEQ;
		at->value = bytes(&zero, sizeof(zero));
	}
	at = expr(made, MODEL_IMMEDIATE);
	at->to = MODEL_VERDICT_REGISTER;
	at->is_verdict = true;
	at->verdict.code = code;
}

static void expect(bool loose, bool strict)
{
	struct midstream out;

	assert_int_equal(model_complete(&evidence.model), 0);
	assert_int_equal(
		midstream_judge(&evidence.model, &evidence.host, &TCP_9000, &out), 0);
	assert_int_equal(out.cuts_loose, loose);
	assert_int_equal(out.cuts_strict, strict);
}

static int begin(void **state)
{
	evidence_clear(&evidence);
	return 0;
}

static void no_rules_cut_nothing(void **state)
{
	expect(false, false);
}

static void a_drop_of_what_is_invalid_cuts_what_is_not_picked_up(void **state)
{
	rule(input(false), NF_CT_STATE_INVALID_BIT, MODEL_DROP);
	expect(false, true);
}

static void a_drop_of_what_is_new_cuts_nothing_that_could_be_opened(void **state)
{
	rule(input(false), NF_CT_STATE_BIT(IP_CT_NEW), MODEL_DROP);
	expect(false, false);
}

static void a_policy_that_takes_new_ones_takes_them_in_their_middle(void **state)
{
	struct model_chain *chain = input(true);

	rule(chain, NF_CT_STATE_BIT(IP_CT_ESTABLISHED), MODEL_ACCEPT);
	rule(chain, NF_CT_STATE_BIT(IP_CT_NEW), MODEL_ACCEPT);
	expect(false, true);
}

static void a_policy_that_does_not_ask_cuts_nothing(void **state)
{
	struct model_chain *chain = input(true);

	rule(chain, NF_CT_STATE_BIT(IP_CT_ESTABLISHED), MODEL_ACCEPT);
	rule(chain, 0, MODEL_ACCEPT);
	expect(false, false);
}

static void what_cannot_be_read_may_cut(void **state)
{
	evidence.host.legacy4 = true;
	expect(true, true);
	evidence.host.legacy4 = false;
	expr(model_add_rule(&evidence.model, input(false), 1), MODEL_OPAQUE);
	expect(true, true);
}

static void udp_is_never_cut(void **state)
{
	const struct service udp = { .proto = IPPROTO_UDP,
				     .first_port = 9000,
				     .last_port = 9000 };
	struct midstream out = MIDSTREAM_UNKNOWN;

	rule(input(false), NF_CT_STATE_INVALID_BIT, MODEL_DROP);
	assert_int_equal(model_complete(&evidence.model), 0);
	assert_int_equal(midstream_judge(&evidence.model, &evidence.host, &udp, &out), 0);
	assert_false(out.cuts_loose || out.cuts_strict);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(no_rules_cut_nothing, begin, begin),
		cmocka_unit_test_setup_teardown(
			a_drop_of_what_is_invalid_cuts_what_is_not_picked_up, begin,
			begin),
		cmocka_unit_test_setup_teardown(
			a_drop_of_what_is_new_cuts_nothing_that_could_be_opened, begin,
			begin),
		cmocka_unit_test_setup_teardown(
			a_policy_that_takes_new_ones_takes_them_in_their_middle, begin,
			begin),
		cmocka_unit_test_setup_teardown(a_policy_that_does_not_ask_cuts_nothing,
						begin, begin),
		cmocka_unit_test_setup_teardown(what_cannot_be_read_may_cut, begin,
						begin),
		cmocka_unit_test_setup_teardown(udp_is_never_cut, begin, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
