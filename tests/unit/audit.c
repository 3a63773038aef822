// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>

#include <cmocka.h>

#include "rules/judge.h"

/* Rulesets built by hand: what the kernel would dump for the rules named in the tests. */
static struct evidence evidence;
static struct audit audit;

static const struct service UDP_9000 = { .proto = IPPROTO_UDP,
					 .first_port = 9000,
					 .last_port = 9000 };

static const struct service OUT_UDP_53 = {
	.outbound = true, .proto = IPPROTO_UDP, .first_port = 53, .last_port = 53
};
static const struct service OUT_TCP_443 = {
	.outbound = true, .proto = IPPROTO_TCP, .first_port = 443, .last_port = 443
};

enum { STATE_OLD = NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_RELATED) };

static struct model_data bytes(const void *data, size_t count)
{
	return (struct model_data){ .at = arena_copy(&evidence.model.arena, data, count),
				    .bytes = count };
}

static struct model_chain *chain(const char *name, uint32_t hook, bool drops)
{
	struct model_table *table = model_find_table(&evidence.model, NFPROTO_INET, "t");
	struct model_chain *made;

	if (!table)
		table = model_add_table(&evidence.model, NFPROTO_INET, "t");
	made = model_add_chain(&evidence.model, table, name);
	made->base = hook < NF_INET_NUMHOOKS;
	made->hook = hook;
	made->drops = drops;
	return made;
}

static struct model_rule *rule(struct model_chain *in)
{
	return model_add_rule(&evidence.model, in, in->last ? in->last->handle + 1 : 1);
}

static struct model_expr *expr(struct model_rule *in, enum model_kind kind)
{
	struct model_expr *made = model_add_expr(&evidence.model, in);

	made->kind = kind;
	made->name = "test";
	return made;
}

static void load(struct model_rule *in, enum model_kind kind, uint32_t key)
{
	struct model_expr *made = expr(in, kind);

	made->to = 0;
	made->number[0] = key;
	made->given = 1;
}

static void compare(struct model_rule *in, uint32_t operation, const void *data,
		    size_t count)
{
	struct model_expr *made = expr(in, MODEL_CMP);

	made->source = 0;
	made->number[0] = operation;
	made->value = bytes(data, count);
}

static void payload(struct model_rule *in, uint32_t base, uint32_t offset, uint32_t count)
{
	struct model_expr *made = expr(in, MODEL_PAYLOAD);

	made->to = 0;
	made->number[0] = base;
	made->number[1] = offset;
	made->number[2] = count;
}

/* ct state BITS */
static void state_is(struct model_rule *in, uint32_t bits)
{
	const uint32_t zero = 0;
	struct model_expr *made;

	load(in, MODEL_CT, NFT_CT_STATE);
	made = expr(in, MODEL_BITWISE);
	made->source = made->to = 0;
	made->number[0] = sizeof(bits);
	made->value = bytes(&bits, sizeof(bits));
	made->value2 = bytes(&zero, sizeof(zero));
	compare(in, NFT_CMP_NEQ, &zero, sizeof(zero));
}

/* udp dport PORT, or sport */
static void port_is(struct model_rule *in, bool source, uint16_t port)
{
	const uint8_t data[] = { (uint8_t)(port >> 8), (uint8_t)port };
	const uint8_t udp = IPPROTO_UDP;

	load(in, MODEL_META, NFT_META_L4PROTO);
	compare(in, NFT_CMP_EQ, &udp, 1);
	payload(in, NFT_PAYLOAD_TRANSPORT_HEADER, source ? 0 : 2, 2);
	compare(in, NFT_CMP_EQ, data, sizeof(data));
}

/* ip saddr A.0.0.0/8 */
static void source_is(struct model_rule *in, uint8_t first)
{
	const uint8_t v4 = NFPROTO_IPV4;

	load(in, MODEL_META, NFT_META_NFPROTO);
	compare(in, NFT_CMP_EQ, &v4, 1);
	payload(in, NFT_PAYLOAD_NETWORK_HEADER, 12, 1);
	compare(in, NFT_CMP_EQ, &first, 1);
}

static void verdict(struct model_rule *in, enum model_verdict_code code, const char *to)
{
	struct model_expr *made = expr(in, MODEL_IMMEDIATE);

	made->to = MODEL_VERDICT_REGISTER;
	made->is_verdict = true;
	made->verdict.code = code;
	made->verdict.name = to;
}

/* meta l4proto { icmp, icmpv6 } accept, which answers ICMP errors whatever their state */
static void accept_icmp(struct model_chain *in)
{
	const uint8_t protocols[] = { IPPROTO_ICMP, IPPROTO_ICMPV6 };

	for (int i = 0; i < 2; i++) {
		struct model_rule *made = rule(in);

		load(made, MODEL_META, NFT_META_L4PROTO);
		compare(made, NFT_CMP_EQ, &protocols[i], 1);
		verdict(made, MODEL_ACCEPT, NULL);
	}
}

/* iif lo accept */
static void accept_loopback(struct model_chain *in)
{
	struct model_rule *made = rule(in);
	const uint32_t lo = 1;

	load(made, MODEL_META, NFT_META_IIF);
	compare(made, NFT_CMP_EQ, &lo, sizeof(lo));
	verdict(made, MODEL_ACCEPT, NULL);
}

static void judge_service_of(const struct service *service)
{
	assert_int_equal(model_complete(&evidence.model), 0);
	assert_int_equal(audit_service(&evidence.model, &evidence.host, service,
				       AUDIT_STEPS, NULL, &audit),
			 0);
}

static void judge(void)
{
	judge_service_of(&UDP_9000);
}

static bool is_found(const char *code, const struct model_rule *blamed)
{
	for (size_t i = 0; i < audit.count; i++)
		if (strcmp(audit.finding[i].code, code) == 0 &&
		    audit.finding[i].rule == blamed)
			return true;
	return false;
}

static int begin(void **state)
{
	evidence_clear(&evidence);
	return 0;
}

static int end(void **state)
{
	evidence_clear(&evidence);
	return 0;
}

static void no_rules_are_safe(void **state)
{
	judge();
	assert_int_equal(audit.verdict, AUDIT_SAFE);
	assert_int_equal(audit.count, 0);
}

static void a_stateless_accept_is_safe_behind_a_stateful_one(void **state)
{
	struct model_chain *input = chain("input", NF_INET_LOCAL_IN, true);
	struct model_rule *old = rule(input), *own;

	state_is(old, STATE_OLD);
	verdict(old, MODEL_ACCEPT, NULL);
	accept_icmp(input);
	accept_loopback(input);
	own = rule(input);
	source_is(own, 10);
	port_is(own, false, 9000);
	verdict(own, MODEL_ACCEPT, NULL);
	judge();
	assert_int_equal(audit.verdict, AUDIT_SAFE);
}

/* Answers to what the service asks: their port is closed but for what is established. */
static void what_the_service_itself_asks_is_said_but_does_not_count(void **state)
{
	struct model_chain *input = chain("input", NF_INET_LOCAL_IN, true);
	struct model_rule *old = rule(input);

	state_is(old, STATE_OLD);
	verdict(old, MODEL_ACCEPT, NULL);
	accept_icmp(input);
	accept_loopback(input);
	judge();
	assert_int_equal(audit.verdict, AUDIT_SAFE);
	assert_true(is_found("own", old));
}

/* Later packets are accepted for their state alone, but only if the first was accepted. */
static void a_state_that_no_packet_can_get_is_no_difference(void **state)
{
	struct model_chain *input = chain("input", NF_INET_LOCAL_IN, true);
	struct model_rule *old = rule(input), *own;

	state_is(old, STATE_OLD);
	verdict(old, MODEL_ACCEPT, NULL);
	accept_icmp(input);
	own = rule(input);
	port_is(own, false, 9001);
	verdict(own, MODEL_ACCEPT, NULL);
	judge();
	assert_int_equal(audit.verdict, AUDIT_SAFE);
}

static void a_stateful_accept_before_a_drop_policy_is_found_with_its_rule(void **state)
{
	struct model_chain *input = chain("input", NF_INET_LOCAL_IN, true);
	struct model_rule *own = rule(input);

	state_is(own, NF_CT_STATE_BIT(IP_CT_NEW) | STATE_OLD);
	port_is(own, false, 9000);
	verdict(own, MODEL_ACCEPT, NULL);
	accept_icmp(input);
	judge();
	assert_int_equal(audit.verdict, AUDIT_UNSAFE);
	assert_true(is_found("state", own));
	assert_int_equal(audit.finding[0].severity, FINDING_BLOCKER);
	assert_true(audit.finding[0].request && audit.finding[0].v4 &&
		    audit.finding[0].v6);
	assert_non_null(
		strstr(audit.finding[0].fix, "nft insert rule inet t input handle 1 "));
}

static void a_stateful_rule_for_another_port_is_no_finding(void **state)
{
	struct model_chain *input = chain("input", NF_INET_LOCAL_IN, false);
	struct model_rule *own = rule(input);

	state_is(own, NF_CT_STATE_BIT(IP_CT_NEW));
	port_is(own, false, 53);
	verdict(own, MODEL_DROP, NULL);
	judge();
	assert_int_equal(audit.verdict, AUDIT_SAFE);
	assert_int_equal(audit.count, 0);
}

static void replies_that_only_their_state_lets_out_are_found(void **state)
{
	struct model_chain *output = chain("output", NF_INET_LOCAL_OUT, true);
	struct model_rule *old = rule(output);

	state_is(old, STATE_OLD);
	verdict(old, MODEL_ACCEPT, NULL);
	judge();
	assert_int_equal(audit.verdict, AUDIT_UNSAFE);
	assert_true(is_found("state", old));
	assert_false(audit.finding[0].request);
	assert_non_null(
		strstr(audit.finding[0].fix, "udp sport 9000 ct state untracked accept"));
}

static void icmp_errors_that_become_invalid_are_a_warning(void **state)
{
	struct model_chain *input = chain("input", NF_INET_LOCAL_IN, false);
	struct model_rule *invalid = rule(input);

	state_is(invalid, NF_CT_STATE_INVALID_BIT);
	verdict(invalid, MODEL_DROP, NULL);
	judge();
	assert_int_equal(audit.verdict, AUDIT_UNSAFE);
	assert_int_equal(audit.count, 1);
	assert_string_equal(audit.finding[0].code, "icmp");
	assert_int_equal(audit.finding[0].severity, FINDING_WARNING);
	assert_ptr_equal(audit.finding[0].rule, invalid);
}

static void jumps_gotos_and_returns_are_followed(void **state)
{
	struct model_chain *input = chain("input", NF_INET_LOCAL_IN, true);
	struct model_chain *first = chain("first", UINT32_MAX, false);
	struct model_chain *second = chain("second", UINT32_MAX, false);
	struct model_rule *step = rule(input);

	verdict(step, MODEL_JUMP, "first");
	step = rule(input);
	port_is(step, false, 9000);
	verdict(step, MODEL_ACCEPT, NULL);
	accept_icmp(input);
	/* The drop is behind a return that packets of the service take. */
	step = rule(first);
	port_is(step, false, 9000);
	verdict(step, MODEL_GOTO, "second");
	step = rule(first);
	state_is(step, NF_CT_STATE_BIT(IP_CT_NEW));
	verdict(step, MODEL_DROP, NULL);
	step = rule(second);
	verdict(step, MODEL_RETURN, NULL);
	step = rule(second);
	state_is(step, NF_CT_STATE_UNTRACKED_BIT);
	verdict(step, MODEL_DROP, NULL);
	judge();
	assert_int_equal(audit.verdict, AUDIT_SAFE);
}

static void translation_is_found_and_that_of_other_ports_is_not(void **state)
{
	const uint8_t port[] = { 0, 80 };
	struct model_chain *pre = chain("pre", NF_INET_PRE_ROUTING, false);
	struct model_rule *other, *own;
	struct model_expr *made;

	pre->type = MODEL_TYPE_NAT;
	pre->priority = -100;
	other = rule(pre);
	port_is(other, false, 9001);
	expr(other, MODEL_NAT)->number[0] = NFT_NAT_DNAT;
	own = rule(pre);
	port_is(own, false, 9000);
	made = expr(own, MODEL_IMMEDIATE);
	made->to = 0;
	made->value = bytes(port, sizeof(port));
	made = expr(own, MODEL_REDIR);
	made->source2 = 0;
	judge();
	assert_int_equal(audit.verdict, AUDIT_UNSAFE);
	assert_true(is_found("nat", own));
	assert_false(is_found("nat", other));
}

/* What is turned to the service's port would be answered from there. */
static void translation_to_the_service_is_found(void **state)
{
	const uint8_t port[] = { 9000 >> 8, 9000 & 255 };
	struct model_chain *pre = chain("pre", NF_INET_PRE_ROUTING, false);
	struct model_rule *other = rule(pre);
	struct model_expr *made;

	pre->type = MODEL_TYPE_NAT;
	port_is(other, false, 80);
	made = expr(other, MODEL_IMMEDIATE);
	made->to = 0;
	made->value = bytes(port, sizeof(port));
	expr(other, MODEL_REDIR)->source2 = 0;
	judge();
	assert_int_equal(audit.verdict, AUDIT_UNSAFE);
	assert_true(is_found("nat", other));
}

static void what_is_not_understood_is_unknown_only_on_the_way(void **state)
{
	struct model_chain *input = chain("input", NF_INET_LOCAL_IN, false);
	struct model_rule *other = rule(input), *own;

	port_is(other, false, 53);
	expr(other, MODEL_OPAQUE);
	judge();
	assert_int_equal(audit.verdict, AUDIT_SAFE);
	evidence_clear(&evidence);

	input = chain("input", NF_INET_LOCAL_IN, false);
	own = rule(input);
	port_is(own, false, 9000);
	expr(own, MODEL_OPAQUE);
	judge();
	assert_int_equal(audit.verdict, AUDIT_UNKNOWN);
	assert_true(is_found("opaque", own));
}

/* Both ways: what is untracked now stays as it is. */
static void a_register_that_nothing_wrote_is_not_understood(void **state)
{
	struct model_chain *input = chain("input", NF_INET_LOCAL_IN, false);
	struct model_rule *first = rule(input), *second = rule(input);
	const uint8_t zero[4] = { 0 };

	/* What another rule left there does not count. */
	payload(first, NFT_PAYLOAD_NETWORK_HEADER, 12, 4);
	compare(first, NFT_CMP_EQ, zero, sizeof(zero));
	compare(second, NFT_CMP_EQ, zero, sizeof(zero));
	verdict(second, MODEL_DROP, NULL);
	judge();
	assert_int_equal(audit.verdict, AUDIT_UNKNOWN);
	assert_true(is_found("opaque", second));
	assert_false(is_found("opaque", first));
}

static void packets_that_are_untracked_already_fare_the_same(void **state)
{
	struct model_chain *pre = chain("pre", NF_INET_PRE_ROUTING, false);
	struct model_chain *out = chain("out", NF_INET_LOCAL_OUT, false);
	struct model_chain *input = chain("input", NF_INET_LOCAL_IN, true);
	struct model_rule *own = rule(pre);

	pre->priority = out->priority = -300;
	port_is(own, false, 9000);
	expr(own, MODEL_NOTRACK);
	own = rule(out);
	port_is(own, true, 9000);
	expr(own, MODEL_NOTRACK);
	own = rule(out);
	port_is(own, false, 9000);
	expr(own, MODEL_NOTRACK);
	accept_icmp(input);
	own = rule(input);
	state_is(own, NF_CT_STATE_BIT(IP_CT_NEW) | STATE_OLD);
	verdict(own, MODEL_ACCEPT, NULL);
	judge();
	assert_int_equal(audit.verdict, AUDIT_SAFE);
	assert_true(audit.count > 0);
	assert_string_equal(audit.finding[0].code, "notrack");
}

static void replies_on_loopback_need_more_than_their_state(void **state)
{
	struct model_chain *input = chain("input", NF_INET_LOCAL_IN, true);
	struct model_rule *old = rule(input), *own;

	state_is(old, STATE_OLD);
	verdict(old, MODEL_ACCEPT, NULL);
	accept_icmp(input);
	own = rule(input);
	port_is(own, false, 9000);
	verdict(own, MODEL_ACCEPT, NULL);
	judge();
	assert_int_equal(audit.verdict, AUDIT_UNSAFE);
	assert_int_equal(audit.count, 1);
	assert_int_equal(audit.finding[0].way, PACKET_LOOPS);
	assert_false(audit.finding[0].request);
}

/* Each of 3,000 addresses could be the client's or not, but it does not matter for other ports. */
static void addresses_in_rules_for_others_make_no_cases(void **state)
{
	struct model_chain *input = chain("input", NF_INET_LOCAL_IN, true);
	const uint8_t tcp = IPPROTO_TCP;

	for (int i = 0; i < 3000; i++) {
		const uint8_t address[] = { 10, (uint8_t)(i / 250), (uint8_t)(i % 250),
					    1 };
		struct model_rule *made = rule(input);

		payload(made, NFT_PAYLOAD_NETWORK_HEADER, 12, sizeof(address));
		compare(made, NFT_CMP_EQ, address, sizeof(address));
		if (i % 2) {
			port_is(made, false, 53);
		} else {
			load(made, MODEL_META, NFT_META_L4PROTO);
			compare(made, NFT_CMP_EQ, &tcp, 1);
		}
		expr(made, MODEL_COUNTER);
		verdict(made, MODEL_ACCEPT, NULL);
	}
	port_is(rule(input), false, 9000);
	verdict(input->last, MODEL_ACCEPT, NULL);
	accept_icmp(input);
	judge();
	assert_int_equal(audit.verdict, AUDIT_SAFE);
	assert_false(is_found("too-large", NULL));
}

/* What a rule does before it asks for another port counts all the same. */
/* What NAT may turn to the service may be for any port: of another protocol that is not asked. */
static void ports_in_rules_for_another_protocol_make_no_cases(void **state)
{
	struct model_chain *pre = chain("pre", NF_INET_PRE_ROUTING, false);
	const struct service tcp = { .proto = IPPROTO_TCP,
				     .first_port = 9000,
				     .last_port = 9000 };

	pre->type = MODEL_TYPE_NAT;
	pre->priority = -100;
	for (uint16_t i = 0; i < 3000; i++) {
		port_is(rule(pre), false, (uint16_t)(20000 + i));
		expr(pre->last, MODEL_NAT)->number[0] = NFT_NAT_DNAT;
	}
	judge_service_of(&tcp);
	assert_int_equal(audit.verdict, AUDIT_SAFE);
	assert_int_equal(audit.count, 0);
}

static void what_is_done_before_the_port_is_asked_for_counts(void **state)
{
	struct model_chain *input = chain("input", NF_INET_LOCAL_IN, false);
	struct model_rule *made = rule(input);
	const uint32_t seven = 7;
	struct model_expr *set;

	state_is(made, NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_NEW));
	set = expr(made, MODEL_IMMEDIATE);
	set->to = 0;
	set->value = bytes(&seven, sizeof(seven));
	set = expr(made, MODEL_META);
	set->source = 0;
	set->to = MODEL_NO_REGISTER;
	set->number[0] = NFT_META_MARK;
	port_is(made, false, 53);
	verdict(made, MODEL_ACCEPT, NULL);
	made = rule(input);
	load(made, MODEL_META, NFT_META_MARK);
	compare(made, NFT_CMP_EQ, &seven, sizeof(seven));
	verdict(made, MODEL_DROP, NULL);
	judge();
	assert_int_not_equal(audit.verdict, AUDIT_SAFE);
}

/* meta mark set 1 */
static void set_mark(struct model_rule *in)
{
	const uint32_t one = 1;
	struct model_expr *made = expr(in, MODEL_IMMEDIATE);

	made->to = 0;
	made->value = bytes(&one, sizeof(one));
	made = expr(in, MODEL_META);
	made->source = 0;
	made->number[0] = NFT_META_MARK;
}

/* What only new and established packets with a mark pass, which a chain for the device gives. */
static enum audit_verdict verdict_with(const struct model_device *device)
{
	struct model_table *table;
	struct model_chain *early, *input;
	const uint32_t one = 1;

	evidence_clear(&evidence);
	table = model_add_table(&evidence.model, NFPROTO_NETDEV, "n");
	early = model_add_chain(&evidence.model, table, "early");
	early->base = true;
	early->hook = NF_NETDEV_INGRESS;
	early->device = device;
	early->devices = 1;
	set_mark(rule(early));
	input = chain("input", NF_INET_LOCAL_IN, false);
	accept_icmp(input);
	accept_loopback(input);
	for (int i = 0; i < 2; i++) {
		load(rule(input), MODEL_META, NFT_META_MARK);
		compare(input->last, NFT_CMP_EQ, &one, sizeof(one));
		if (i == 0)
			state_is(input->last, STATE_OLD | NF_CT_STATE_BIT(IP_CT_NEW));
		verdict(input->last, i ? MODEL_DROP : MODEL_ACCEPT, NULL);
	}
	judge();
	return audit.verdict;
}

static void a_chain_for_devices_is_gone_through_on_those_it_may_mean(void **state)
{
	assert_int_equal(verdict_with(&(struct model_device){ "lo", MODEL_DEVICE_BYTES }),
			 AUDIT_SAFE);
	assert_int_equal(verdict_with(&(struct model_device){ "lo", 2 }), AUDIT_UNSAFE);
	assert_int_equal(verdict_with(&(struct model_device){ "eth", 3 }), AUDIT_UNSAFE);
	assert_int_equal(verdict_with(&(struct model_device){ "", 0 }), AUDIT_UNSAFE);
}

/* meta mark MARK */
static void mark_is(struct model_rule *in, uint32_t mark)
{
	load(in, MODEL_META, NFT_META_MARK);
	compare(in, NFT_CMP_EQ, &mark, sizeof(mark));
}

/* A program takes what has no mark, and may send it round again with one. */
static enum audit_verdict verdict_of_repeated(uint32_t states)
{
	struct model_chain *input;

	evidence_clear(&evidence);
	input = chain("input", NF_INET_LOCAL_IN, true);
	accept_icmp(input);
	accept_loopback(input);
	mark_is(rule(input), 0);
	verdict(input->last, MODEL_QUEUED, NULL);
	state_is(rule(input), states);
	verdict(input->last, MODEL_ACCEPT, NULL);
	judge();
	return audit.verdict;
}

static void
what_a_program_sends_round_again_meets_the_rules_behind_its_queue(void **state)
{
	const uint32_t tracked = STATE_OLD | NF_CT_STATE_BIT(IP_CT_NEW);

	assert_int_equal(verdict_of_repeated(tracked), AUDIT_UNSAFE);
	assert_int_equal(verdict_of_repeated(tracked | NF_CT_STATE_UNTRACKED_BIT),
			 AUDIT_SAFE);
}

static void a_program_that_gets_another_mark_may_judge_otherwise(void **state)
{
	struct model_chain *input = chain("input", NF_INET_LOCAL_IN, false);
	struct model_rule *queue;

	accept_icmp(input);
	accept_loopback(input);
	state_is(rule(input), STATE_OLD | NF_CT_STATE_BIT(IP_CT_NEW));
	set_mark(input->last);
	queue = rule(input);
	verdict(queue, MODEL_QUEUED, NULL);
	judge();
	assert_int_equal(audit.verdict, AUDIT_UNSAFE);
	assert_true(is_found("queue", queue));
}

/* meta random < 2^31 accept, of tracked packets, and of all: drawn twice, once */
static void a_number_that_is_drawn_by_lot_is_another_each_time(void **state)
{
	const uint32_t half = 0x80;
	struct model_chain *input = chain("input", NF_INET_LOCAL_IN, true);

	accept_icmp(input);
	accept_loopback(input);
	for (int i = 0; i < 2; i++) {
		if (i == 0)
			state_is(rule(input), STATE_OLD | NF_CT_STATE_BIT(IP_CT_NEW));
		else
			rule(input);
		load(input->last, MODEL_META, NFT_META_PRANDOM);
		compare(input->last, NFT_CMP_LT, &half, sizeof(half));
		verdict(input->last, MODEL_ACCEPT, NULL);
	}
	judge();
	assert_int_equal(audit.verdict, AUDIT_UNSAFE);
}

/* chain c: meta random < 2^31 drop; to which tracked packets come twice */
static void what_is_drawn_in_a_chain_is_drawn_each_time_it_is_come_to(void **state)
{
	const uint32_t half = 0x80;
	struct model_chain *first = chain("first", NF_INET_LOCAL_IN, false);
	struct model_chain *second = chain("second", NF_INET_LOCAL_IN, false);
	struct model_chain *drawn = chain("drawn", NF_INET_NUMHOOKS, false);

	accept_icmp(first);
	accept_loopback(first);
	state_is(rule(first), STATE_OLD | NF_CT_STATE_BIT(IP_CT_NEW));
	verdict(first->last, MODEL_JUMP, "drawn");
	accept_icmp(second);
	accept_loopback(second);
	verdict(rule(second), MODEL_JUMP, "drawn");
	load(rule(drawn), MODEL_META, NFT_META_PRANDOM);
	compare(drawn->last, NFT_CMP_LT, &half, sizeof(half));
	verdict(drawn->last, MODEL_DROP, NULL);
	judge();
	assert_int_equal(audit.verdict, AUDIT_UNSAFE);
}

/* -m set --match-set knocked src -p udp --dport 9000 accept; and, before, whatever is done with what knocks */
static enum audit_verdict verdict_of_set(const char *knock)
{
	static const uint8_t NAMED[64];
	struct model_chain *input;
	struct model_expr *set;

	evidence_clear(&evidence);
	input = chain("input", NF_INET_LOCAL_IN, true);
	accept_icmp(input);
	accept_loopback(input);
	port_is(rule(input), false, 7);
	set = expr(input->last, MODEL_TARGET);
	set->object = knock;
	set->value = bytes(NAMED, sizeof(NAMED));
	port_is(rule(input), false, 9000);
	set = expr(input->last, MODEL_MATCH);
	set->object = "set";
	set->value = bytes(NAMED, sizeof(NAMED));
	verdict(input->last, MODEL_ACCEPT, NULL);
	state_is(rule(input), STATE_OLD);
	verdict(input->last, MODEL_ACCEPT, NULL);
	judge();
	return audit.verdict;
}

static void what_packets_add_to_a_set_may_have_an_end(void **state)
{
	assert_int_equal(verdict_of_set("LOG"), AUDIT_SAFE);
	assert_int_equal(verdict_of_set("SET"), AUDIT_UNSAFE);
}

/* 2^24 cases: things that can be so or not, and all of them matter. */
static void too_many_cases_are_unknown(void **state)
{
	struct model_chain *input = chain("input", NF_INET_LOCAL_IN, false);

	for (uint32_t key = 0; key < 24; key++) {
		struct model_rule *made = rule(input);
		struct model_expr *set;

		expr(made, MODEL_QUOTA);
		set = expr(made, MODEL_META);
		set->source = 0;
		set->number[0] = NFT_META_PRIORITY;
	}
	state_is(rule(input), NF_CT_STATE_BIT(IP_CT_NEW));
	verdict(input->last, MODEL_DROP, NULL);
	judge();
	assert_int_not_equal(audit.verdict, AUDIT_SAFE);
	assert_true(is_found("too-large", NULL));
}

/* ct state established,related accept, and a policy of drop. */
static struct model_chain *stateful_input(void)
{
	struct model_chain *input = chain("input", NF_INET_LOCAL_IN, true);
	struct model_rule *old;

	accept_icmp(input);
	old = rule(input);
	state_is(old, STATE_OLD);
	verdict(old, MODEL_ACCEPT, NULL);
	return input;
}

/* udp dport FIRST-LAST, of what is UDP */
static void goes_to(struct model_rule *in, uint16_t first, uint16_t last)
{
	const uint8_t ends[][2] = { { (uint8_t)(first >> 8), (uint8_t)first },
				    { (uint8_t)(last >> 8), (uint8_t)last } };

	payload(in, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2);
	compare(in, NFT_CMP_GTE, ends[0], 2);
	compare(in, NFT_CMP_LTE, ends[1], 2);
}

/* tcp flags & (syn|ack) != syn */
static void is_no_syn(struct model_rule *in)
{
	const uint8_t mask = 0x12, syn = 0x02, zero = 0, tcp = IPPROTO_TCP;
	struct model_expr *made;

	load(in, MODEL_META, NFT_META_L4PROTO);
	compare(in, NFT_CMP_EQ, &tcp, 1);
	payload(in, NFT_PAYLOAD_TRANSPORT_HEADER, 13, 1);
	made = expr(in, MODEL_BITWISE);
	made->source = made->to = 0;
	made->number[0] = 1;
	made->value = bytes(&mask, 1);
	made->value2 = bytes(&zero, 1);
	compare(in, NFT_CMP_NEQ, &syn, 1);
}

/* Its code is NULL if there is none. */
static struct finding finding_of(const char *code)
{
	for (size_t i = 0; i < audit.count; i++)
		if (strcmp(audit.finding[i].code, code) == 0)
			return audit.finding[i];
	return (struct finding){ .code = NULL };
}

static void answers_are_let_in_by_the_fix_no_wider_than_they_look(void **state)
{
	stateful_input();
	judge_service_of(&OUT_UDP_53);
	assert_int_equal(audit.verdict, AUDIT_UNSAFE);
	assert_non_null(finding_of("state").code);
	assert_non_null(
		strstr(finding_of("state").fix,
		       " udp sport 53 udp dport 32768-60999 ct state untracked accept"));
	judge_service_of(&OUT_TCP_443);
	assert_non_null(strstr(finding_of("state").fix,
			       " 'tcp sport 443 tcp flags & (syn|ack) != syn ct state "
			       "untracked accept'"));
}

static void
who_was_not_asked_gets_in_where_only_the_source_port_is_looked_at(void **state)
{
	struct model_chain *input = stateful_input();
	struct model_rule *answers = rule(input);

	port_is(answers, true, 53);
	verdict(answers, MODEL_ACCEPT, NULL);
	judge_service_of(&OUT_UDP_53);
	/* Tracked or not. */
	assert_int_equal(audit.verdict, AUDIT_SAFE);

	evidence_clear(&evidence);
	input = stateful_input();
	answers = rule(input);
	port_is(answers, true, 53);
	state_is(answers, NF_CT_STATE_UNTRACKED_BIT);
	verdict(answers, MODEL_ACCEPT, NULL);
	judge_service_of(&OUT_UDP_53);
	assert_int_equal(audit.verdict, AUDIT_UNSAFE);
	assert_true(is_found("unasked", answers));
	assert_int_equal(audit.finding[0].severity, FINDING_BLOCKER);
	assert_true(audit.finding[0].v4 && audit.finding[0].v6);
	assert_non_null(
		strstr(audit.finding[0].fix,
		       "'udp sport 53 udp dport != 32768-60999 ct state untracked "
		       "drop'"));
}

static void a_fix_that_would_be_too_long_is_none(void **state)
{
	static struct range gaps[8];

	for (size_t i = 0; i < 8; i++)
		gaps[i] = (struct range){ wide_of(40000 + 10 * i),
					  wide_of(40008 + 10 * i) };
	stateful_input();
	evidence.host.ports = (struct ranges){ gaps, 7 };
	judge_service_of(&OUT_UDP_53);
	assert_non_null(strstr(finding_of("state").fix, "40060-40068 } ct state"));
	evidence.host.ports.count = 8;
	judge_service_of(&OUT_UDP_53);
	assert_int_equal(audit.verdict, AUDIT_UNSAFE);
	assert_non_null(strstr(finding_of("state").fix, "keep out:udp/53 tracked"));
	judge_service_of(&OUT_TCP_443);
	assert_non_null(strstr(finding_of("state").fix, "nft insert rule"));
}

static void what_looks_like_an_answer_is_a_warning_that_does_not_count(void **state)
{
	struct model_chain *input = stateful_input();
	struct model_rule *answers = rule(input);

	port_is(answers, true, 53);
	goes_to(answers, 32768, 60999);
	state_is(answers, NF_CT_STATE_UNTRACKED_BIT);
	verdict(answers, MODEL_ACCEPT, NULL);
	judge_service_of(&OUT_UDP_53);
	assert_int_equal(audit.verdict, AUDIT_SAFE);
	assert_true(is_found("lookalike", answers));
	assert_int_equal(finding_of("lookalike").severity, FINDING_WARNING);
	/* And whoever chooses another port gets no answer. */
	assert_int_equal(finding_of("chosen-port").severity, FINDING_WARNING);
	assert_null(finding_of("unasked").code);

	/* One port more is one too many. */
	evidence_clear(&evidence);
	input = stateful_input();
	answers = rule(input);
	port_is(answers, true, 53);
	goes_to(answers, 32767, 60999);
	state_is(answers, NF_CT_STATE_UNTRACKED_BIT);
	verdict(answers, MODEL_ACCEPT, NULL);
	judge_service_of(&OUT_UDP_53);
	assert_int_equal(audit.verdict, AUDIT_UNSAFE);
	assert_true(is_found("unasked", answers));
}

static void of_tcp_it_is_the_syn_that_counts(void **state)
{
	for (int narrow = 0; narrow < 2; narrow++) {
		struct model_chain *input;
		struct model_rule *answers;

		evidence_clear(&evidence);
		input = stateful_input();
		answers = rule(input);
		if (narrow)
			is_no_syn(answers);
		state_is(answers, NF_CT_STATE_UNTRACKED_BIT);
		verdict(answers, MODEL_ACCEPT, NULL);
		judge_service_of(&OUT_TCP_443);
		assert_int_equal(audit.verdict, narrow ? AUDIT_SAFE : AUDIT_UNSAFE);
		assert_int_equal(is_found("unasked", answers), !narrow);
		assert_true(is_found("lookalike", answers));
	}
}

static void new_ones_that_are_dropped_get_in_untracked(void **state)
{
	struct model_chain *input = chain("input", NF_INET_LOCAL_IN, false);
	struct model_rule *fresh = rule(input);

	state_is(fresh, NF_CT_STATE_BIT(IP_CT_NEW));
	verdict(fresh, MODEL_DROP, NULL);
	judge_service_of(&OUT_UDP_53);
	assert_int_equal(audit.verdict, AUDIT_UNSAFE);
	assert_true(is_found("unasked", fresh));
	judge_service_of(&OUT_TCP_443);
	assert_true(is_found("unasked", fresh));
	/* Of what is for a service here every packet may open a conversation. */
	judge();
	assert_false(is_found("unasked", fresh));
}

static void who_asks_from_the_services_port_is_an_info(void **state)
{
	struct model_chain *input = chain("input", NF_INET_LOCAL_IN, true);
	struct model_rule *answers, *web;

	accept_icmp(input);
	answers = rule(input);
	port_is(answers, true, 53);
	goes_to(answers, 32768, 60999);
	verdict(answers, MODEL_ACCEPT, NULL);
	web = rule(input);
	port_is(web, false, 80);
	state_is(web, NF_CT_STATE_BIT(IP_CT_NEW));
	verdict(web, MODEL_ACCEPT, NULL);
	judge_service_of(&OUT_UDP_53);
	assert_int_equal(audit.verdict, AUDIT_SAFE);
	assert_int_equal(audit.count, 1);
	assert_int_equal(finding_of("same-port").severity, FINDING_INFO);
}

/* Some may ask, and answers pass because they are asked for. */
static void answers_to_programs_with_ports_of_a_range_must_pass(void **state)
{
	static const struct range TAKEN = { { 0, 32768 }, { 0, 39999 } };
	const struct service range = { .proto = IPPROTO_UDP,
				       .first_port = 40000,
				       .last_port = 41000 };
	struct model_chain *input = chain("input", NF_INET_LOCAL_IN, true);
	struct model_rule *old, *asked;

	accept_icmp(input);
	accept_loopback(input);
	asked = rule(input);
	source_is(asked, 10);
	goes_to(asked, 40000, 41000);
	verdict(asked, MODEL_ACCEPT, NULL);
	old = rule(input);
	state_is(old, STATE_OLD);
	verdict(old, MODEL_ACCEPT, NULL);
	judge_service_of(&range);
	assert_int_equal(audit.verdict, AUDIT_UNSAFE);
	assert_true(is_found("given-port", old));
	assert_int_equal(finding_of("given-port").severity, FINDING_BLOCKER);
	assert_string_equal(finding_of("given-port").fix,
			    "sysctl -w net.ipv4.ip_local_reserved_ports=40000-41000");
	/* Where they get other ports that is not so. */
	evidence.host.ports = (struct ranges){ &TAKEN, 1 };
	judge_service_of(&range);
	assert_int_equal(audit.verdict, AUDIT_SAFE);
	assert_null(finding_of("given-port").code);

	/* And so must errors about what they ask. */
	evidence_clear(&evidence);
	input = chain("input", NF_INET_LOCAL_IN, false);
	old = rule(input);
	state_is(old, NF_CT_STATE_INVALID_BIT);
	verdict(old, MODEL_DROP, NULL);
	judge_service_of(&range);
	assert_true(is_found("given-port", old));
	assert_true(finding_of("given-port").error);
	assert_int_equal(finding_of("given-port").severity, FINDING_WARNING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(no_rules_are_safe, begin),
		cmocka_unit_test_setup(a_stateless_accept_is_safe_behind_a_stateful_one,
				       begin),
		cmocka_unit_test_setup(
			what_the_service_itself_asks_is_said_but_does_not_count, begin),
		cmocka_unit_test_setup(a_state_that_no_packet_can_get_is_no_difference,
				       begin),
		cmocka_unit_test_setup(
			a_stateful_accept_before_a_drop_policy_is_found_with_its_rule,
			begin),
		cmocka_unit_test_setup(a_stateful_rule_for_another_port_is_no_finding,
				       begin),
		cmocka_unit_test_setup(replies_that_only_their_state_lets_out_are_found,
				       begin),
		cmocka_unit_test_setup(icmp_errors_that_become_invalid_are_a_warning,
				       begin),
		cmocka_unit_test_setup(jumps_gotos_and_returns_are_followed, begin),
		cmocka_unit_test_setup(
			translation_is_found_and_that_of_other_ports_is_not, begin),
		cmocka_unit_test_setup(translation_to_the_service_is_found, begin),
		cmocka_unit_test_setup(what_is_not_understood_is_unknown_only_on_the_way,
				       begin),
		cmocka_unit_test_setup(a_register_that_nothing_wrote_is_not_understood,
				       begin),
		cmocka_unit_test_setup(packets_that_are_untracked_already_fare_the_same,
				       begin),
		cmocka_unit_test_setup(replies_on_loopback_need_more_than_their_state,
				       begin),
		cmocka_unit_test_setup(addresses_in_rules_for_others_make_no_cases,
				       begin),
		cmocka_unit_test_setup(ports_in_rules_for_another_protocol_make_no_cases,
				       begin),
		cmocka_unit_test_setup(what_is_done_before_the_port_is_asked_for_counts,
				       begin),
		cmocka_unit_test_setup(
			a_chain_for_devices_is_gone_through_on_those_it_may_mean, begin),
		cmocka_unit_test_setup(
			what_a_program_sends_round_again_meets_the_rules_behind_its_queue,
			begin),
		cmocka_unit_test_setup(
			a_program_that_gets_another_mark_may_judge_otherwise, begin),
		cmocka_unit_test_setup(a_number_that_is_drawn_by_lot_is_another_each_time,
				       begin),
		cmocka_unit_test_setup(
			what_is_drawn_in_a_chain_is_drawn_each_time_it_is_come_to, begin),
		cmocka_unit_test_setup(what_packets_add_to_a_set_may_have_an_end, begin),
		cmocka_unit_test_setup(too_many_cases_are_unknown, begin),
		cmocka_unit_test_setup(a_fix_that_would_be_too_long_is_none, begin),
		cmocka_unit_test_setup(
			answers_are_let_in_by_the_fix_no_wider_than_they_look, begin),
		cmocka_unit_test_setup(
			who_was_not_asked_gets_in_where_only_the_source_port_is_looked_at,
			begin),
		cmocka_unit_test_setup(
			what_looks_like_an_answer_is_a_warning_that_does_not_count,
			begin),
		cmocka_unit_test_setup(of_tcp_it_is_the_syn_that_counts, begin),
		cmocka_unit_test_setup(new_ones_that_are_dropped_get_in_untracked, begin),
		cmocka_unit_test_setup(who_asks_from_the_services_port_is_an_info, begin),
		cmocka_unit_test_setup(
			answers_to_programs_with_ports_of_a_range_must_pass, begin),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
