// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/message.h"

/* Before the kernel's headers, which else define the same. */
#include <netinet/in.h>

#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "rules/expr.h"
#include "rules/layout.h"
#include "rules/plan.h"
#include "rules/ruleset.h"

/*
 * The data types of nft(8), which the kernel only keeps for it (nftables src/datatype.h);
 * a concatenation has them in six bits each.
 */
enum { TYPE_IPADDR = 7, TYPE_IP6ADDR = 8, TYPE_INET_PROTO = 12, TYPE_INET_SERVICE = 13 };
enum { TYPE_BITS = 6 };
static const uint32_t TYPE_VERDICT = 0xffffff00; /* NFT_DATA_VERDICT */

static uint32_t key_type(unsigned map)
{
	uint32_t type = TYPE_INET_PROTO;

	if (layout_map_family(map) == AF_INET)
		type = type << TYPE_BITS | TYPE_IPADDR;
	if (layout_map_family(map) == AF_INET6)
		type = type << TYPE_BITS | TYPE_IP6ADDR;
	return type << TYPE_BITS | TYPE_INET_SERVICE;
}

static int write_table(struct nlmsghdr *header, bool tagged)
{
	struct nftnl_table *table = nftnl_table_alloc();
	struct nftnl_udata_buf *tag = nftnl_udata_buf_alloc(NFT_USERDATA_MAXLEN);
	int err = -ENOMEM;

	if (!table || !tag)
		goto out;
	nftnl_table_set_str(table, NFTNL_TABLE_NAME, RULESET_TABLE);
	if (tagged) {
		nftnl_udata_put_strz(tag, NFTNL_UDATA_TABLE_COMMENT, LAYOUT_TAG);
		nftnl_table_set_data(table, NFTNL_TABLE_USERDATA,
				     nftnl_udata_buf_data(tag), nftnl_udata_buf_len(tag));
		/* Not dormant, should it be. */
		nftnl_table_set_u32(table, NFTNL_TABLE_FLAGS, 0);
	}
	nftnl_table_nlmsg_build_payload(header, table);
	err = 0;
out:
	if (table)
		nftnl_table_free(table);
	if (tag)
		nftnl_udata_buf_free(tag);
	return err;
}

/* Of a key's parts the lengths without their padding: by them the kernel sorts ranges. */
static void describe_key(struct nftnl_set *set, unsigned map)
{
	uint8_t lengths[] = { sizeof(uint8_t), sizeof(uint16_t), 0 };
	uint32_t count = 2;

	if (layout_map_family(map) != AF_UNSPEC) {
		lengths[1] = layout_map_family(map) == AF_INET ? sizeof(struct in_addr)
							       : sizeof(struct in6_addr);
		lengths[count++] = sizeof(uint16_t);
	}
	nftnl_set_set_data(set, NFTNL_SET_DESC_CONCAT, lengths, count);
}

static int write_map(struct nlmsghdr *header, unsigned map)
{
	struct nftnl_set *set = nftnl_set_alloc();
	uint32_t flags = NFT_SET_MAP | NFT_SET_TIMEOUT;

	if (!set)
		return -ENOMEM;
	if (layout_map_ranged(map)) {
		flags |= NFT_SET_INTERVAL | NFT_SET_CONCAT;
		describe_key(set, map);
	}
	nftnl_set_set_str(set, NFTNL_SET_TABLE, RULESET_TABLE);
	nftnl_set_set_str(set, NFTNL_SET_NAME, layout_map_name(map));
	/*
	 * Without one nf_tables_newset() refuses it, though nothing in the batch refers
	 * to it.
	 */
	nftnl_set_set_u32(set, NFTNL_SET_ID, map + 1U);
	nftnl_set_set_u32(set, NFTNL_SET_FLAGS, flags);
	nftnl_set_set_u32(set, NFTNL_SET_KEY_TYPE, key_type(map));
	nftnl_set_set_u32(set, NFTNL_SET_KEY_LEN, (uint32_t)layout_map_key_bytes(map));
	nftnl_set_set_u32(set, NFTNL_SET_DATA_TYPE, TYPE_VERDICT);
	nftnl_set_nlmsg_build_payload(header, set);
	nftnl_set_free(set);
	return 0;
}

static int write_hook(struct nlmsghdr *header, enum layout_hook hook)
{
	struct nftnl_chain *chain = nftnl_chain_alloc();

	if (!chain)
		return -ENOMEM;
	nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, RULESET_TABLE);
	nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, layout_hook_name(hook));
	nftnl_chain_set_str(chain, NFTNL_CHAIN_TYPE, "filter");
	nftnl_chain_set_u32(chain, NFTNL_CHAIN_HOOKNUM, layout_hook_number(hook));
	nftnl_chain_set_s32(chain, NFTNL_CHAIN_PRIO, LAYOUT_PRIORITY);
	nftnl_chain_set_u32(chain, NFTNL_CHAIN_POLICY, NF_ACCEPT);
	nftnl_chain_nlmsg_build_payload(header, chain);
	nftnl_chain_free(chain);
	return 0;
}

/* One that is met by jumps alone; or any, to be deleted. */
static int write_name(struct nlmsghdr *header, const char *name)
{
	struct nftnl_chain *chain = nftnl_chain_alloc();

	if (!chain)
		return -ENOMEM;
	nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, RULESET_TABLE);
	nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, name);
	nftnl_chain_nlmsg_build_payload(header, chain);
	nftnl_chain_free(chain);
	return 0;
}

static int write_chain(struct nlmsghdr *header, const struct change *change)
{
	char name[LAYOUT_NAME_MAX];

	layout_chain_name(change->side, &change->service, name);
	return write_name(header, name);
}

/* A rule of a base chain or of a service's chain; without expressions all rules of it. */
static int write_rule(struct nlmsghdr *header, const struct change *change)
{
	const struct layout_lookup lookup = layout_lookup(change->lookup);
	struct nftnl_rule *rule = nftnl_rule_alloc();
	char name[LAYOUT_NAME_MAX];
	const char *chain = name;
	int err = 0;

	if (!rule)
		return -ENOMEM;
	if (change->kind == CHANGE_ADD_LOOKUP)
		chain = layout_hook_name(change->hook);
	else
		layout_chain_name(change->side, &change->service, name);
	nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, RULESET_TABLE);
	nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, chain);
	if (change->kind == CHANGE_ADD_LOOKUP)
		err = expr_put_lookup(rule, &lookup);
	else if (change->kind == CHANGE_ADD_UNTRACK)
		err = expr_put_untrack(rule, &change->untrack);
	if (!err)
		nftnl_rule_nlmsg_build_payload(header, rule);
	nftnl_rule_free(rule);
	return err;
}

/* The holder, as the comment that nft shows behind the element. */
static int put_holder(struct nftnl_set_elem *elem, const struct holder *holder)
{
	struct nftnl_udata_buf *comment;
	char text[HOLDER_TEXT_MAX];

	holder_format(holder, text);
	if (!text[0])
		return 0;
	comment = nftnl_udata_buf_alloc(NFT_USERDATA_MAXLEN);
	if (!comment)
		return -ENOMEM;
	nftnl_udata_put_strz(comment, NFTNL_UDATA_SET_ELEM_COMMENT, text);
	nftnl_set_elem_set(elem, NFTNL_SET_ELEM_USERDATA, nftnl_udata_buf_data(comment),
			   nftnl_udata_buf_len(comment));
	nftnl_udata_buf_free(comment);
	return 0;
}

static int put_lease(struct nftnl_set_elem *elem, const struct change *change)
{
	const struct service *service = &change->service;
	uint8_t key[LAYOUT_KEY_MAX];
	char chain[LAYOUT_NAME_MAX];
	size_t bytes = layout_key(service, service->first_port, key);

	nftnl_set_elem_set(elem, NFTNL_SET_ELEM_KEY, key, (uint32_t)bytes);
	if (layout_map_ranged(change->map)) {
		/* In sets of concatenated ranges the end is included. */
		layout_key(service, service->last_port, key);
		nftnl_set_elem_set(elem, NFTNL_SET_ELEM_KEY_END, key, (uint32_t)bytes);
	}
	if (change->kind == CHANGE_DELETE_LEASE)
		return 0;
	layout_chain_name(change->side, service, chain);
	nftnl_set_elem_set_u32(elem, NFTNL_SET_ELEM_VERDICT, (uint32_t)NFT_JUMP);
	nftnl_set_elem_set_str(elem, NFTNL_SET_ELEM_CHAIN, chain);
	/* Without one it stays until it is deleted. */
	if (change->lease_ms)
		nftnl_set_elem_set_u64(elem, NFTNL_SET_ELEM_TIMEOUT, change->lease_ms);
	return put_holder(elem, &change->holder);
}

static int write_lease(struct nlmsghdr *header, const struct change *change)
{
	struct nftnl_set_elem *elem = nftnl_set_elem_alloc();
	struct nftnl_set *set = nftnl_set_alloc();
	int err = set && elem ? put_lease(elem, change) : -ENOMEM;

	if (!err) {
		nftnl_set_set_str(set, NFTNL_SET_TABLE, RULESET_TABLE);
		nftnl_set_set_str(set, NFTNL_SET_NAME, layout_map_name(change->map));
		nftnl_set_elem_add(set, elem);
		/* The set's now. */
		elem = NULL;
		nftnl_set_elems_nlmsg_build_payload(header, set);
	}
	if (elem)
		nftnl_set_elem_free(elem);
	if (set)
		nftnl_set_free(set);
	return err;
}

int message_write(struct nlmsghdr *header, const struct change *change)
{
	switch (change->kind) {
	case CHANGE_ADD_TABLE: return write_table(header, true);
	case CHANGE_DELETE_TABLE: return write_table(header, false);
	case CHANGE_ADD_MAP: return write_map(header, change->map);
	case CHANGE_ADD_HOOK: return write_hook(header, change->hook);
	case CHANGE_DELETE_HOOK:
		return write_name(header, layout_hook_name(change->hook));
	case CHANGE_ADD_CHAIN:
	case CHANGE_DELETE_CHAIN: return write_chain(header, change);
	case CHANGE_ADD_LOOKUP:
	case CHANGE_FLUSH_CHAIN:
	case CHANGE_ADD_UNTRACK: return write_rule(header, change);
	case CHANGE_ADD_LEASE:
	case CHANGE_DELETE_LEASE: return write_lease(header, change);
	}
	return -EINVAL;
}
