// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>

#include "conntrack/demand.h"
#include "lib/text.h"

enum { BYTES = 1024 };

/* A rule of one expression, as the kernel dumps it. xt: the match or target, or NULL. */
static struct nlmsghdr *rule_of(char *buffer, uint8_t family, const char *table,
				const char *expression, const char *xt)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	struct nlattr *list, *element, *data;

	header->nfgen_family = family;
	mnl_attr_put_strz(message, NFTA_RULE_TABLE, table);
	list = mnl_attr_nest_start(message, NFTA_RULE_EXPRESSIONS);
	element = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
	mnl_attr_put_strz(message, NFTA_EXPR_NAME, "counter");
	mnl_attr_nest_end(message, element);
	element = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
	mnl_attr_put_strz(message, NFTA_EXPR_NAME, expression);
	data = mnl_attr_nest_start(message, NFTA_EXPR_DATA);
	if (xt)
		mnl_attr_put_strz(message, NFTA_MATCH_NAME, xt);
	mnl_attr_nest_end(message, data);
	mnl_attr_nest_end(message, element);
	mnl_attr_nest_end(message, list);
	return message;
}

static struct demand demand_of(uint8_t family, const char *expression, const char *xt)
{
	struct demand demand = { .known = true };
	char buffer[BYTES];

	demand_add_rule(&demand, rule_of(buffer, family, "fw", expression, xt));
	assert_int_equal(demand.rules, 1);
	return demand;
}

static void rules_that_need_tracking_are_told_from_others(void **state)
{
	static const struct {
		const char *expression, *xt;
		bool needs, exempts;
	} CASES[] = {
		{ "ct", NULL, true, false },
		{ "nat", NULL, true, false },
		{ "masq", NULL, true, false },
		{ "redir", NULL, true, false },
		{ "synproxy", NULL, true, false },
		{ "connlimit", NULL, true, false },
		{ "flow_offload", NULL, true, false },
		{ "match", "conntrack", true, false },
		{ "match", "state", true, false },
		{ "target", "MASQUERADE", true, false },
		{ "notrack", NULL, false, true },
		{ "target", "CT", false, true },
		{ "match", "udp", false, false },
		{ "match", NULL, false, false },
		{ "payload", NULL, false, false },
		/* Only iptables' have a name of their own. */
		{ "payload", "conntrack", false, false },
		{ "objref", NULL, false, false },
	};

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		struct demand demand =
			demand_of(NFPROTO_INET, CASES[i].expression, CASES[i].xt);

		assert_int_equal(demand.v4, CASES[i].needs);
		assert_int_equal(demand.v6, CASES[i].needs);
		assert_int_equal(demand.exempt, CASES[i].exempts);
	}
}

static void objects_of_tracking_need_it(void **state)
{
	static const struct {
		uint32_t kind;
		bool needs;
	} CASES[] = {
		{ NFT_OBJECT_CT_HELPER, true },
		{ NFT_OBJECT_CT_TIMEOUT, true },
		{ NFT_OBJECT_CT_EXPECT, true },
		{ NFT_OBJECT_COUNTER, false },
	};

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		struct demand demand = { 0 };
		char buffer[BYTES];
		struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
		struct nlattr *list, *element, *data;

		mnl_nlmsg_put_extra_header(message, sizeof(struct nfgenmsg));
		list = mnl_attr_nest_start(message, NFTA_RULE_EXPRESSIONS);
		element = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
		mnl_attr_put_strz(message, NFTA_EXPR_NAME, "objref");
		data = mnl_attr_nest_start(message, NFTA_EXPR_DATA);
		mnl_attr_put_u32(message, NFTA_OBJREF_IMM_TYPE, htonl(CASES[i].kind));
		mnl_attr_nest_end(message, data);
		mnl_attr_nest_end(message, element);
		mnl_attr_nest_end(message, list);
		demand_add_rule(&demand, message);
		assert_int_equal(demand.v4, CASES[i].needs);
	}
}

static void the_family_says_whose_packets_are_tracked(void **state)
{
	struct demand demand = demand_of(NFPROTO_IPV4, "ct", NULL);
	char doubt[DEMAND_DOUBT_MAX];

	assert_true(demand.v4 == 1 && demand.v6 == 0);
	assert_true(demand_doubt(&demand, doubt));
	assert_string_equal(doubt,
			    "rules need it (table ip fw), but a probe over loopback "
			    "left no entry");
	demand = demand_of(NFPROTO_IPV6, "ct", NULL);
	assert_true(demand.v4 == 0 && demand.v6 == 1);
	assert_true(demand_doubt(&demand, doubt));
	assert_string_equal(doubt, "only rules of IPv6 need it (table ip6 fw); the probe "
				   "went over IPv4");
	demand = demand_of(NFPROTO_INET, "counter", NULL);
	assert_false(demand_doubt(&demand, doubt));
}

static void names_of_any_length_fit(void **state)
{
	struct demand demand = { 0 };
	char table[256], buffer[BYTES], doubt[DEMAND_DOUBT_MAX];

	memset(table, 't', sizeof(table) - 1);
	table[sizeof(table) - 1] = '\0';
	demand_add_rule(&demand, rule_of(buffer, NFPROTO_INET, table, "ct", NULL));
	demand_add_rule(&demand, rule_of(buffer, NFPROTO_INET, table, "notrack", NULL));
	assert_true(demand_doubt(&demand, doubt));
	assert_non_null(strstr(doubt, "maybe those of the probe"));
}

static void a_message_cut_off_anywhere_is_a_rule_like_others(void **state)
{
	char buffer[BYTES];
	const struct nlmsghdr *whole =
		rule_of(buffer, NFPROTO_INET, "fw", "match", "conntrack");

	/* Messages are padded to 4 bytes. */
	for (uint32_t length = MNL_NLMSG_HDRLEN; length < whole->nlmsg_len; length += 4) {
		struct nlmsghdr *cut = malloc(length);
		struct demand demand = { 0 };

		assert_non_null(cut);
		memcpy(cut, whole, length);
		cut->nlmsg_len = length;
		demand_add_rule(&demand, cut);
		assert_int_equal(demand.rules, 1);
		assert_int_equal(demand.v4, 0);
		free(cut);
	}
}

static void assert_explains(const struct demand *demand, const char *part)
{
	struct text text = { 0 };

	demand_explain(demand, "> ", &text);
	if (!strstr(text_str(&text), part))
		fail_msg("no \"%s\" in:\n%s", part, text_str(&text));
	text_free(&text);
}

static void what_there_is_and_what_would_change_it_is_told(void **state)
{
	struct demand demand = { .known = true };

	assert_explains(&demand,
			"> There are no rules of nf_tables here.\n> It comes with "
			"the first rule that needs it");
	demand.rules = 7;
	assert_explains(&demand,
			"> Of the 7 rules of nf_tables here none needs it.\n> It");
	snprintf(demand.legacy, sizeof(demand.legacy), "ip raw, ip6 filter");
	assert_explains(&demand,
			"none needs it.\n> There are tables of iptables-legacy (ip "
			"raw, ip6 filter), which are not read here.\n> It comes");
	demand = (struct demand){ .rules = 7 };
	assert_explains(&demand, "> It comes with");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_that_need_tracking_are_told_from_others),
		cmocka_unit_test(objects_of_tracking_need_it),
		cmocka_unit_test(the_family_says_whose_packets_are_tracked),
		cmocka_unit_test(names_of_any_length_fit),
		cmocka_unit_test(a_message_cut_off_anywhere_is_a_rule_like_others),
		cmocka_unit_test(what_there_is_and_what_would_change_it_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
