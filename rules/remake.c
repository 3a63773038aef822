// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/remake.h"

/* Before the headers of the kernel, which define the same otherwise. */
#include <netinet/in.h>

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "rules/attrs.h"
#include "rules/ruleset.h"
#include "rules/watch.h"

/* NFT_CHAIN_HW_OFFLOAD and others: not in every header. */
enum {
	TABLE_DORMANT = 1 << 0,
	CHAIN_HW_OFFLOAD = 1 << 1,
	CHAIN_BINDING = 1 << 2,
	FLOWTABLE_HW_OFFLOAD = 1 << 0,
	FLOWTABLE_FLAGS = 7
};

/* Numbers that the kernel gives by itself, or that are about use: not to be asked for. Bits by type. */
static uint32_t left_out(uint16_t message)
{
	switch (message) {
	case NFT_MSG_NEWTABLE:
		/* The last is NFTA_TABLE_OWNER, which is not in every header. */
		return 1u << NFTA_TABLE_HANDLE | 1u << NFTA_TABLE_USE | 1u << 7;
	case NFT_MSG_NEWCHAIN:
		return 1u << NFTA_CHAIN_HANDLE | 1u << NFTA_CHAIN_USE |
		       1u << NFTA_CHAIN_COUNTERS | 1u << NFTA_CHAIN_ID;
	/* Of newer kernels: type and number of elements. */
	case NFT_MSG_NEWSET:
		return 1u << NFTA_SET_HANDLE | 1u << NFTA_SET_ID | 1u << 19 | 1u << 20;
	case NFT_MSG_NEWOBJ: return 1u << NFTA_OBJ_HANDLE | 1u << NFTA_OBJ_USE;
	case NFT_MSG_NEWFLOWTABLE:
		return 1u << NFTA_FLOWTABLE_HANDLE | 1u << NFTA_FLOWTABLE_USE;
	case NFT_MSG_NEWRULE:
		return 1u << NFTA_RULE_HANDLE | 1u << NFTA_RULE_POSITION |
		       1u << NFTA_RULE_ID;
	default: return 0;
	}
}

/* The attribute that names the table: the first of all these messages. */
enum { TABLE_NAME = 1 };

static bool is_ours(const struct nlmsghdr *dumped, const struct attrs *attrs)
{
	const char *name = attrs_string(attrs->at[TABLE_NAME]);

	return attrs_family(dumped) == NFPROTO_INET && name &&
	       strcmp(name, RULESET_TABLE) == 0;
}

static uint32_t flags_of(const struct nlattr *attr, uint32_t cleared)
{
	uint64_t flags = 0;

	attrs_number(attr, &flags);
	return htonl((uint32_t)flags & ~cleared);
}

/*
 * Flags of one life only: who owns a table, which rule an unnamed set or chain belongs to; and what an
 * interface of a copy cannot do.
 */
static bool put_flags(struct nlmsghdr *to, uint16_t message, const struct nlattr *attr)
{
	uint16_t type = mnl_attr_get_type(attr);
	uint32_t cleared;

	if (message == NFT_MSG_NEWTABLE && type == NFTA_TABLE_FLAGS)
		cleared = ~(uint32_t)TABLE_DORMANT;
	else if (message == NFT_MSG_NEWSET && type == NFTA_SET_FLAGS)
		cleared = NFT_SET_ANONYMOUS;
	else if (message == NFT_MSG_NEWCHAIN && type == NFTA_CHAIN_FLAGS)
		cleared = CHAIN_BINDING | CHAIN_HW_OFFLOAD;
	else if (message == NFT_MSG_NEWFLOWTABLE && type == FLOWTABLE_FLAGS)
		cleared = FLOWTABLE_HW_OFFLOAD;
	else
		return false;
	mnl_attr_put_u32(to, type, flags_of(attr, cleared));
	return true;
}

/* Whether an expression is of that kind, and its own attributes. */
static bool expression_is(const struct nlattr *element, const char *kind,
			  struct attrs *out)
{
	struct attrs expression;
	const char *name;

	if (!attrs_of_nest(element, &expression))
		return false;
	name = attrs_string(expression.at[NFTA_EXPR_NAME]);
	return name && strcmp(name, kind) == 0 && expression.at[NFTA_EXPR_DATA] &&
	       attrs_of_nest(expression.at[NFTA_EXPR_DATA], out);
}

/* The protocol that a comparison asks for: one byte. */
static bool compared_with(const struct attrs *comparison, uint8_t *proto)
{
	struct attrs data;
	uint64_t operation;

	if (!attrs_number(comparison->at[NFTA_CMP_OP], &operation) ||
	    operation != NFT_CMP_EQ || !comparison->at[NFTA_CMP_DATA] ||
	    !attrs_of_nest(comparison->at[NFTA_CMP_DATA], &data) ||
	    !data.at[NFTA_DATA_VALUE] ||
	    mnl_attr_get_payload_len(data.at[NFTA_DATA_VALUE]) != 1)
		return false;
	*proto = mnl_attr_get_u8(data.at[NFTA_DATA_VALUE]);
	return true;
}

/* Whether a load is of the protocol behind the IP header. */
static bool loads_protocol(const struct nlattr *element)
{
	struct attrs own;
	uint64_t key, base, offset, bytes;

	if (expression_is(element, "meta", &own))
		return attrs_number(own.at[NFTA_META_KEY], &key) &&
		       key == NFT_META_L4PROTO;
	return expression_is(element, "payload", &own) &&
	       attrs_number(own.at[NFTA_PAYLOAD_BASE], &base) &&
	       base == NFT_PAYLOAD_NETWORK_HEADER &&
	       attrs_number(own.at[NFTA_PAYLOAD_OFFSET], &offset) && offset == 9 &&
	       attrs_number(own.at[NFTA_PAYLOAD_LEN], &bytes) && bytes == 1;
}

/*
 * Extensions of xtables may want a rule that is for their protocol alone. iptables-nft says that in an
 * attribute of its own, which the kernel does not give back: it is what the rule compares first.
 */
static void put_compat(struct nlmsghdr *to, const struct nlattr *expressions)
{
	const struct nlattr *element;
	bool loaded = false, extended = false, found = false;
	struct attrs own;
	struct nlattr *nest;
	uint8_t proto = 0;

	mnl_attr_for_each_nested(element, expressions) {
		if (expression_is(element, "match", &own) ||
		    expression_is(element, "target", &own))
			extended = true;
		if (loaded && !found && expression_is(element, "cmp", &own))
			found = compared_with(&own, &proto);
		loaded = loads_protocol(element);
	}
	if (!extended || !found)
		return;
	nest = mnl_attr_nest_start(to, NFTA_RULE_COMPAT);
	mnl_attr_put_u32(to, NFTA_RULE_COMPAT_PROTO, htonl(proto));
	mnl_attr_put_u32(to, NFTA_RULE_COMPAT_FLAGS, 0);
	mnl_attr_nest_end(to, nest);
}

static void put_same(struct nlmsghdr *to, const struct nlattr *attr)
{
	/* With the bits that say that it is a nest. */
	mnl_attr_put(to, attr->nla_type, mnl_attr_get_payload_len(attr),
		     mnl_attr_get_payload(attr));
}

/* The kernel gives a timeout of 0 back where none was asked for, but takes none for sets without. */
static void put_dynset(struct nlmsghdr *to, const struct attrs *own)
{
	struct nlattr *outer, *inner;
	const struct nlattr *attr;

	outer = mnl_attr_nest_start(to, NFTA_LIST_ELEM);
	mnl_attr_put_strz(to, NFTA_EXPR_NAME, "dynset");
	inner = mnl_attr_nest_start(to, NFTA_EXPR_DATA);
	for (int type = 0; type < ATTRS_MAX; type++) {
		uint64_t timeout = 1;

		attr = own->at[type];
		if (attr && type == NFTA_DYNSET_TIMEOUT)
			attrs_number(attr, &timeout);
		if (attr && timeout)
			put_same(to, attr);
	}
	mnl_attr_nest_end(to, inner);
	mnl_attr_nest_end(to, outer);
}

static void put_expressions(struct nlmsghdr *to, const struct nlattr *expressions,
			    int watched)
{
	struct nlattr *nest = mnl_attr_nest_start(to, NFTA_RULE_EXPRESSIONS);
	const struct nlattr *element;
	struct attrs own;

	if (watched != WATCH_NONE)
		watch_put_counter(to);
	mnl_attr_for_each_nested(element, expressions) {
		if (expression_is(element, "dynset", &own))
			put_dynset(to, &own);
		else
			put_same(to, element);
	}
	mnl_attr_nest_end(to, nest);
}

size_t remake_message(const struct nlmsghdr *dumped, uint32_t sequence, int watched,
		      void *to, size_t bytes)
{
	uint16_t message = dumped->nlmsg_type & 0xff;
	uint32_t out = left_out(message);
	struct attrs attrs;
	const struct nlattr *attr;
	struct nlmsghdr *header;
	struct nfgenmsg *nfgen;

	if (!attrs_of_message(dumped, &attrs) || is_ours(dumped, &attrs) ||
	    bytes < dumped->nlmsg_len + (size_t)REMAKE_ROOM_BYTES)
		return 0;
	header = mnl_nlmsg_put_header(to);
	header->nlmsg_type = dumped->nlmsg_type;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE;
	if (message == NFT_MSG_NEWRULE)
		header->nlmsg_flags |= NLM_F_APPEND;
	header->nlmsg_seq = sequence;
	nfgen = mnl_nlmsg_put_extra_header(header, sizeof(*nfgen));
	nfgen->nfgen_family = attrs_family(dumped);
	if (watched != WATCH_NONE)
		out |= 1u << NFTA_RULE_USERDATA;
	mnl_attr_for_each(attr, dumped, sizeof(*nfgen)) {
		uint16_t type = mnl_attr_get_type(attr);

		/* What repeats an attribute that gets longer has too little room. */
		if (header->nlmsg_len + MNL_ALIGN(attr->nla_len) + REMAKE_ROOM_BYTES / 2 >
		    bytes)
			return 0;
		if ((type < 32 && out & 1u << type) || put_flags(header, message, attr))
			continue;
		if (message == NFT_MSG_NEWRULE && type == NFTA_RULE_EXPRESSIONS)
			put_expressions(header, attr, watched);
		else
			put_same(header, attr);
	}
	if (watched != WATCH_NONE)
		watch_put_number(header, watched);
	/* Any, but there must be one (nf_tables_newset()). */
	if (message == NFT_MSG_NEWSET)
		mnl_attr_put_u32(header, NFTA_SET_ID, htonl(sequence));
	if (message == NFT_MSG_NEWRULE && attrs.at[NFTA_RULE_EXPRESSIONS])
		put_compat(header, attrs.at[NFTA_RULE_EXPRESSIONS]);
	return header->nlmsg_len;
}
