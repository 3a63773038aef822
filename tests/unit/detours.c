// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/detours.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_tcpudp.h>

#include <cmocka.h>

#include "rules/model.h"

static struct model model;
static struct model_chain *output;
static struct detours detours;

static int begin(void **state)
{
	struct model_table *table;

	model_clear(&model);
	table = model_add_table(&model, NFPROTO_IPV4, "nat");
	output = model_add_chain(&model, table, "output");
	output->base = true;
	output->type = MODEL_TYPE_NAT;
	output->hook = NF_INET_LOCAL_OUT;
	return 0;
}

static int end(void **state)
{
	model_clear(&model);
	return 0;
}

static struct model_expr *expr(struct model_rule *rule, enum model_kind kind)
{
	struct model_expr *made = model_add_expr(&model, rule);

	made->kind = kind;
	made->name = "test";
	return made;
}

static struct model_rule *rule_for(uint16_t port)
{
	const uint8_t bytes[] = { (uint8_t)(port >> 8), (uint8_t)port };
	struct model_rule *rule = model_add_rule(&model, output, 1);
	struct model_expr *made = expr(rule, MODEL_PAYLOAD);

	made->to = 0;
	made->number[0] = NFT_PAYLOAD_TRANSPORT_HEADER;
	made->number[1] = made->number[2] = 2;
	made = expr(rule, MODEL_CMP);
	made->source = 0;
	made->value = (struct model_data){ arena_copy(&model.arena, bytes, 2), 2 };
	return rule;
}

static void redirect(struct model_rule *rule)
{
	expr(rule, MODEL_REDIR);
}

static void match(const char *name, const void *info, size_t bytes)
{
	struct model_rule *rule = model_add_rule(&model, output, 1);
	struct model_expr *made = expr(rule, MODEL_MATCH);

	made->object = name;
	made->value = (struct model_data){ arena_copy(&model.arena, info, bytes), bytes };
	redirect(rule);
}

static void find(void)
{
	assert_int_equal(model_complete(&model), 0);
	detours_find(&model, &detours);
}

static void without_a_rule_that_turns_there_are_none(void **state)
{
	expr(rule_for(80), MODEL_COUNTER);
	find();
	assert_int_equal(detours.count, 0);
}

static void ports_of_rules_that_turn_are_named_once(void **state)
{
	redirect(rule_for(443));
	redirect(rule_for(443));
	redirect(rule_for(8080));
	expr(rule_for(22), MODEL_COUNTER);
	find();
	assert_int_equal(detours.count, 2);
	assert_int_equal(detours.port[0], 443);
	assert_int_equal(detours.port[1], 8080);
}

static void those_of_iptables_are_read(void **state)
{
	const struct xt_udp udp = { .spts = { 0, 65535 }, .dpts = { 53, 53 } };
	const struct xt_multiport_v1 ports = { .flags = XT_MULTIPORT_DESTINATION,
					       .count = 2,
					       .ports = { 80, 81 } };

	match("udp", &udp, sizeof(udp));
	match("udp", &udp, sizeof(udp) - 4);
	match("multiport", &ports, sizeof(ports));
	match("multiport", &ports, 3);
	find();
	assert_int_equal(detours.count, 3);
	assert_int_equal(detours.port[0], 53);
	assert_int_equal(detours.port[2], 81);
}

static void where_none_is_named_all_are_turned_and_one_is_asked(void **state)
{
	redirect(model_add_rule(&model, output, 1));
	find();
	assert_int_equal(detours.count, 1);
	assert_int_equal(detours.port[0], 80);
}

static void no_more_than_have_room_are_taken(void **state)
{
	for (uint16_t port = 1; port < 100; port++)
		redirect(rule_for(port));
	find();
	assert_int_equal(detours.count, DETOURS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(without_a_rule_that_turns_there_are_none, begin),
		cmocka_unit_test_setup(ports_of_rules_that_turn_are_named_once, begin),
		cmocka_unit_test_setup(those_of_iptables_are_read, begin),
		cmocka_unit_test_setup(
			where_none_is_named_all_are_turned_and_one_is_asked, begin),
		cmocka_unit_test_setup_teardown(no_more_than_have_room_are_taken, begin,
						end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
