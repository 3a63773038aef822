// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/remake.h"

#include <arpa/inet.h>
#include <endian.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>

#include "rules/attrs.h"
#include "rules/watch.h"

enum { BYTES = 2048, SEQUENCE = 77 };

static _Alignas(struct nlmsghdr) char dumped[BYTES];
static _Alignas(struct nlmsghdr) char made[BYTES];

static struct nlmsghdr *begin(uint16_t message, const char *table)
{
	struct nlmsghdr *header;
	struct nfgenmsg *nfgen;

	memset(dumped, 0, sizeof(dumped));
	header = mnl_nlmsg_put_header(dumped);
	header->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | message);
	nfgen = mnl_nlmsg_put_extra_header(header, sizeof(*nfgen));
	nfgen->nfgen_family = NFPROTO_INET;
	mnl_attr_put_strz(header, 1, table);
	return header;
}

static struct nlattr *begin_expression(struct nlmsghdr *header, const char *name,
				       struct nlattr **outer)
{
	*outer = mnl_attr_nest_start(header, NFTA_LIST_ELEM);
	mnl_attr_put_strz(header, NFTA_EXPR_NAME, name);
	return mnl_attr_nest_start(header, NFTA_EXPR_DATA);
}

static void end_expression(struct nlmsghdr *header, struct nlattr *inner,
			   struct nlattr *outer)
{
	mnl_attr_nest_end(header, inner);
	mnl_attr_nest_end(header, outer);
}

/* meta l4proto tcp, an extension of xtables, add @set { ... } without a timeout. */
static struct nlmsghdr *rule(void)
{
	struct nlmsghdr *header = begin(NFT_MSG_NEWRULE, "filter");
	struct nlattr *list, *inner, *outer, *data;

	mnl_attr_put_u64(header, NFTA_RULE_HANDLE, 5);
	list = mnl_attr_nest_start(header, NFTA_RULE_EXPRESSIONS);
	inner = begin_expression(header, "meta", &outer);
	mnl_attr_put_u32(header, NFTA_META_KEY, htonl(NFT_META_L4PROTO));
	end_expression(header, inner, outer);
	inner = begin_expression(header, "cmp", &outer);
	mnl_attr_put_u32(header, NFTA_CMP_OP, htonl(NFT_CMP_EQ));
	data = mnl_attr_nest_start(header, NFTA_CMP_DATA);
	mnl_attr_put_u8(header, NFTA_DATA_VALUE, IPPROTO_TCP);
	mnl_attr_nest_end(header, data);
	end_expression(header, inner, outer);
	inner = begin_expression(header, "match", &outer);
	mnl_attr_put_strz(header, NFTA_MATCH_NAME, "tcp");
	end_expression(header, inner, outer);
	inner = begin_expression(header, "dynset", &outer);
	mnl_attr_put_strz(header, NFTA_DYNSET_SET_NAME, "seen");
	mnl_attr_put_u64(header, NFTA_DYNSET_TIMEOUT, 0);
	end_expression(header, inner, outer);
	mnl_attr_nest_end(header, list);
	return header;
}

static const struct nlmsghdr *remake(const struct nlmsghdr *header, struct attrs *out)
{
	assert_true(remake_message(header, SEQUENCE, WATCH_NONE, made, sizeof(made)) > 0);
	assert_true(attrs_of_message((struct nlmsghdr *)made, out));
	return (struct nlmsghdr *)made;
}

static void numbers_of_the_kernel_are_left_out(void **state)
{
	struct nlmsghdr *header = begin(NFT_MSG_NEWSET, "filter");
	const struct nlmsghdr *copy;
	struct attrs attrs;
	uint64_t value;

	mnl_attr_put_strz(header, NFTA_SET_NAME, "__set0");
	mnl_attr_put_u64(header, NFTA_SET_HANDLE, 9);
	mnl_attr_put_u32(header, NFTA_SET_FLAGS, htonl(NFT_SET_ANONYMOUS | NFT_SET_MAP));
	copy = remake(header, &attrs);
	assert_int_equal(copy->nlmsg_seq, SEQUENCE);
	assert_null(attrs.at[NFTA_SET_HANDLE]);
	assert_string_equal(attrs_string(attrs.at[NFTA_SET_NAME]), "__set0");
	assert_true(attrs_number(attrs.at[NFTA_SET_FLAGS], &value));
	assert_int_equal(value, NFT_SET_MAP);
	/* Which the kernel wants of who makes a set. */
	assert_non_null(attrs.at[NFTA_SET_ID]);
}

static void a_rule_of_xtables_says_its_protocol(void **state)
{
	struct attrs attrs, compat;
	uint64_t proto;

	remake(rule(), &attrs);
	assert_null(attrs.at[NFTA_RULE_HANDLE]);
	assert_non_null(attrs.at[NFTA_RULE_COMPAT]);
	assert_true(attrs_of_nest(attrs.at[NFTA_RULE_COMPAT], &compat));
	assert_true(attrs_number(compat.at[NFTA_RULE_COMPAT_PROTO], &proto));
	assert_int_equal(proto, IPPROTO_TCP);
}

static void a_timeout_of_zero_is_none(void **state)
{
	struct attrs attrs, expression, data;
	const struct nlattr *element;
	bool found = false;

	remake(rule(), &attrs);
	mnl_attr_for_each_nested(element, attrs.at[NFTA_RULE_EXPRESSIONS]) {
		assert_true(attrs_of_nest(element, &expression));
		if (strcmp(attrs_string(expression.at[NFTA_EXPR_NAME]), "dynset") != 0)
			continue;
		found = true;
		assert_true(attrs_of_nest(expression.at[NFTA_EXPR_DATA], &data));
		assert_null(data.at[NFTA_DYNSET_TIMEOUT]);
		assert_string_equal(attrs_string(data.at[NFTA_DYNSET_SET_NAME]), "seen");
	}
	assert_true(found);
}

static void our_own_table_is_not_copied(void **state)
{
	assert_int_equal(remake_message(begin(NFT_MSG_NEWTABLE, "ctkit"), SEQUENCE,
					WATCH_NONE, made, sizeof(made)),
			 0);
}

/* What the copy's kernel shows of a rule that is watched under a number. */
static const struct nlmsghdr *shown(int number, uint64_t packets)
{
	static _Alignas(struct nlmsghdr) char copy[BYTES];
	struct nlmsghdr *header = begin(NFT_MSG_NEWRULE, "filter");
	struct nlattr *list, *inner, *outer;

	watch_put_number(header, number);
	list = mnl_attr_nest_start(header, NFTA_RULE_EXPRESSIONS);
	inner = begin_expression(header, "counter", &outer);
	mnl_attr_put_u64(header, NFTA_COUNTER_PACKETS, htobe64(packets));
	end_expression(header, inner, outer);
	mnl_attr_nest_end(header, list);
	memcpy(copy, dumped, sizeof(copy));
	return (struct nlmsghdr *)copy;
}

static void a_rule_that_is_watched_tells_whether_packets_came(void **state)
{
	struct attrs attrs, expression;
	uint64_t reached = 0;

	assert_true(remake_message(rule(), SEQUENCE, 5, made, sizeof(made)) > 0);
	assert_true(attrs_of_message((struct nlmsghdr *)made, &attrs));
	assert_non_null(attrs.at[NFTA_RULE_USERDATA]);
	assert_true(attrs_of_nest(mnl_attr_get_payload(attrs.at[NFTA_RULE_EXPRESSIONS]),
				  &expression));
	assert_string_equal(attrs_string(expression.at[NFTA_EXPR_NAME]), "counter");
	watch_note((struct nlmsghdr *)made, &reached);
	watch_note(shown(6, 0), &reached);
	watch_note(rule(), &reached);
	assert_int_equal(reached, 0);
	watch_note(shown(5, 1), &reached);
	watch_note(shown(WATCH_MAX - 1, 7), &reached);
	watch_note(shown(WATCH_MAX, 7), &reached);
	assert_true(reached == (UINT64_C(1) << 5 | UINT64_C(1) << 63));
}

static void what_a_copys_interfaces_cannot_do_is_not_asked_for(void **state)
{
	struct nlmsghdr *header = begin(NFT_MSG_NEWFLOWTABLE, "filter");
	struct attrs attrs;
	uint64_t value;

	mnl_attr_put_u32(header, 7, htonl(1)); /* NFTA_FLOWTABLE_FLAGS: of hardware */
	remake(header, &attrs);
	assert_true(attrs_number(attrs.at[7], &value));
	assert_int_equal(value, 0);
	header = begin(NFT_MSG_NEWCHAIN, "filter");
	mnl_attr_put_u32(header, NFTA_CHAIN_FLAGS, htonl(3)); /* base, hardware */
	remake(header, &attrs);
	assert_true(attrs_number(attrs.at[NFTA_CHAIN_FLAGS], &value));
	assert_int_equal(value, 1);
}

static void attributes_that_repeat_do_not_grow_over_the_end(void **state)
{
	struct nlmsghdr *header = begin(NFT_MSG_NEWTABLE, "filter");
	char *to;

	for (int i = 0; i < 200; i++)
		mnl_attr_put(header, NFTA_TABLE_FLAGS, 0, NULL);
	to = malloc(header->nlmsg_len + (size_t)REMAKE_ROOM_BYTES);
	assert_int_equal(remake_message(header, SEQUENCE, WATCH_NONE, to,
					header->nlmsg_len + (size_t)REMAKE_ROOM_BYTES),
			 0);
	free(to);
}

static void what_is_malformed_or_too_long_is_refused(void **state)
{
	struct nlmsghdr *header = rule();
	uint32_t whole = header->nlmsg_len;

	assert_int_equal(remake_message(header, SEQUENCE, WATCH_NONE, made, whole), 0);
	for (uint32_t cut = NLMSG_HDRLEN; cut < whole; cut++) {
		struct nlmsghdr *copy = malloc(cut);

		memcpy(copy, header, cut);
		copy->nlmsg_len = cut;
		remake_message(copy, SEQUENCE, cut % 2 ? 7 : WATCH_NONE, made,
			       sizeof(made));
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_of_the_kernel_are_left_out),
		cmocka_unit_test(a_rule_of_xtables_says_its_protocol),
		cmocka_unit_test(a_timeout_of_zero_is_none),
		cmocka_unit_test(our_own_table_is_not_copied),
		cmocka_unit_test(a_rule_that_is_watched_tells_whether_packets_came),
		cmocka_unit_test(what_a_copys_interfaces_cannot_do_is_not_asked_for),
		cmocka_unit_test(attributes_that_repeat_do_not_grow_over_the_end),
		cmocka_unit_test(what_is_malformed_or_too_long_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
