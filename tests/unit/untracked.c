// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/untracked.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>

enum { MESSAGE_MAX = 4096 };

/* Messages as the kernel dumps them, built by libnftnl. */
struct message {
	_Alignas(struct nlmsghdr) char bytes[MESSAGE_MAX];
	struct nlmsghdr *header;
};

static void begin_message(struct message *message, uint16_t type, uint8_t family)
{
	message->header = nftnl_nlmsg_build_hdr(
		message->bytes, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), family, 0,
		1);
}

static void build_rule(struct message *message, const char *table, const char *chain,
		       const char *const names[], uint64_t packets)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();

	begin_message(message, NFT_MSG_NEWRULE, NFPROTO_INET);
	nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, table);
	nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, chain);
	for (; *names; names++) {
		struct nftnl_expr *expr = nftnl_expr_alloc(*names);

		if (strcmp(*names, "counter") == 0)
			nftnl_expr_set_u64(expr, NFTNL_EXPR_CTR_PACKETS, packets);
		nftnl_rule_add_expr(rule, expr);
	}
	nftnl_rule_nlmsg_build_payload(message->header, rule);
	nftnl_rule_free(rule);
}

static void build_element(struct message *message, const char *chain, uint64_t left_ms)
{
	const uint8_t key[8] = { 17, 0, 0, 0, 0x23, 0x28 };
	struct nftnl_set *set = nftnl_set_alloc();
	struct nftnl_set_elem *elem = nftnl_set_elem_alloc();

	begin_message(message, NFT_MSG_NEWSETELEM, NFPROTO_INET);
	nftnl_set_set_str(set, NFTNL_SET_TABLE, "ctkit");
	nftnl_set_set_str(set, NFTNL_SET_NAME, "in_services");
	nftnl_set_elem_set(elem, NFTNL_SET_ELEM_KEY, key, sizeof(key));
	nftnl_set_elem_set_u32(elem, NFTNL_SET_ELEM_VERDICT, (uint32_t)NFT_JUMP);
	nftnl_set_elem_set_str(elem, NFTNL_SET_ELEM_CHAIN, chain);
	if (left_ms)
		nftnl_set_elem_set_u64(elem, NFTNL_SET_ELEM_EXPIRATION, left_ms);
	nftnl_set_elem_add(set, elem);
	nftnl_set_elems_nlmsg_build_payload(message->header, set);
	nftnl_set_free(set);
}

static const char *const NOTRACK[] = { "counter", "notrack", NULL };
static const char *const COUNTS[] = { "counter", NULL };

static void add_rule(struct survey *survey, const char *chain, uint64_t packets)
{
	struct message message;

	build_rule(&message, "ctkit", chain, NOTRACK, packets);
	assert_int_equal(rule_cb(message.header, survey), MNL_CB_OK);
}

static void add_element(struct survey *survey, const char *chain, uint64_t left_ms)
{
	struct message message;

	build_element(&message, chain, left_ms);
	assert_int_equal(elements_cb(message.header, survey), MNL_CB_OK);
}

static void chains_are_named_after_services(void **state)
{
	static const struct {
		const char *chain;
		const char *service; /* NULL: of none */
		bool answers;
	} CASES[] = {
		{ "in_udp_9000", "udp/9000", false },
		{ "out_udp_9000", "udp/9000", true },
		{ "in_tcp_192.0.2.1_443", "tcp/192.0.2.1:443", false },
		{ "out_udp_fd77--1_53", "udp/[fd77::1]:53", true },
		{ "in_udp_10000-20000", "udp/10000-20000", false },
		{ "in_udp_fd77--1_10-20", "udp/[fd77::1]:10-20", false },
		{ "to_remote_udp_53", "out:udp/53", false },
		{ "from_remote_udp_192.0.2.1_53", "out:udp/192.0.2.1:53", true },
		{ "prerouting", NULL, false },
		{ "in_", NULL, false },
		{ "in_udp", NULL, false },
		{ "in_udp_", NULL, false },
		{ "in_icmp_8", NULL, false },
		{ "in_udp_70000", NULL, false },
		{ "in_udp_\x1b[31m_53", NULL, false },
		{ "", NULL, false },
	};
	char name[SERVICE_TEXT_MAX], chain[300] = "in_udp_";
	bool answers;

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		bool found = service_of(CASES[i].chain, name, &answers);

		assert_int_equal(found, CASES[i].service != NULL);
		if (!found)
			continue;
		assert_string_equal(name, CASES[i].service);
		assert_int_equal(answers, CASES[i].answers);
	}
	memset(chain + 7, '1', sizeof(chain) - 8);
	assert_false(service_of(chain, name, &answers));
}

static void a_lease_and_a_rule_untrack_a_service(void **state)
{
	struct survey survey = { 0 };
	struct untracked out;

	add_rule(&survey, "in_udp_9000", 100);
	add_rule(&survey, "in_udp_9000", 11);
	add_rule(&survey, "out_udp_9000", 7);
	add_element(&survey, "in_udp_9000", 28500);
	add_element(&survey, "out_udp_9000", 28500);
	/* Left over after its lease; and a lease that leads to nothing. */
	add_rule(&survey, "in_tcp_80", 5);
	add_element(&survey, "in_tcp_81", 0);
	add_rule(&survey, "out_tcp_81", 5);
	keep_active(&survey, &out);
	assert_int_equal(out.count, 1);
	assert_string_equal(out.services[0].name, "udp/9000");
	assert_int_equal(out.services[0].in_packets, 111);
	assert_int_equal(out.services[0].out_packets, 7);
	assert_true(out.services[0].ends);
	assert_int_equal(out.services[0].left_ms, 28500);
	survey.dormant = true;
	keep_active(&survey, &out);
	assert_int_equal(out.count, 0);
}

static void only_notrack_in_our_table_counts(void **state)
{
	struct survey survey = { 0 };
	struct message message;

	build_rule(&message, "ctkit", "in_udp_9000", COUNTS, 5);
	assert_int_equal(rule_cb(message.header, &survey), MNL_CB_OK);
	build_rule(&message, "other", "in_udp_9000", NOTRACK, 5);
	assert_int_equal(rule_cb(message.header, &survey), MNL_CB_OK);
	assert_int_equal(survey.found.count, 0);
}

static void what_is_too_many_is_counted(void **state)
{
	struct survey survey = { 0 };
	char chain[32];

	for (int port = 1; port <= UNTRACKED_MAX + 3; port++) {
		snprintf(chain, sizeof(chain), "in_udp_%d", port);
		add_rule(&survey, chain, 1);
	}
	assert_int_equal(survey.found.count, UNTRACKED_MAX);
	assert_int_equal(survey.found.left_out, 3);
}

static void rates_are_of_the_same_service_and_chain(void **state)
{
	struct untracked before = { .count = 2 }, now = { .count = 2 };

	strcpy(before.services[0].name, "udp/1");
	strcpy(before.services[1].name, "udp/2");
	strcpy(now.services[0].name, "udp/2");
	strcpy(now.services[1].name, "udp/3");
	before.services[1].in_packets = 100;
	now.services[0].in_packets = 300;
	now.services[0].out_packets = 50;
	untracked_rate(&before, 2, &now);
	assert_true(now.services[0].rated);
	assert_float_equal(now.services[0].in_rate, 100, 1e-9);
	assert_float_equal(now.services[0].out_rate, 25, 1e-9);
	assert_false(now.services[1].rated);
	now.services[0] = before.services[1];
	now.services[0].in_packets = 99;
	untracked_rate(&before, 2, &now);
	assert_false(now.services[0].rated);
}

/* Every length that it can be cut to (all are padded to four), in a block of just that size. */
static void cut_and_feed(const struct message *message, mnl_cb_t cb,
			 struct survey *survey)
{
	for (uint32_t length = MNL_NLMSG_HDRLEN + sizeof(struct nfgenmsg);
	     length < message->header->nlmsg_len; length += MNL_ALIGNTO) {
		struct nlmsghdr *cut = malloc(length);

		memcpy(cut, message->bytes, length);
		cut->nlmsg_len = length;
		cb(cut, survey);
		free(cut);
	}
}

static void cut_messages_are_survived(void **state)
{
	struct survey survey = { 0 };
	struct message message;

	build_rule(&message, "ctkit", "in_udp_9000", NOTRACK, 5);
	cut_and_feed(&message, rule_cb, &survey);
	build_element(&message, "in_udp_9000", 1000);
	cut_and_feed(&message, elements_cb, &survey);
	assert_true(survey.found.count <= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chains_are_named_after_services),
		cmocka_unit_test(a_lease_and_a_rule_untrack_a_service),
		cmocka_unit_test(only_notrack_in_our_table_counts),
		cmocka_unit_test(what_is_too_many_is_counted),
		cmocka_unit_test(rates_are_of_the_same_service_and_chain),
		cmocka_unit_test(cut_messages_are_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
