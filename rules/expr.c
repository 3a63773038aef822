// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/expr.h"

/* What libnftnl/expr.h forgets to include. */
#include <stdio.h>

#include <arpa/inet.h>
#include <errno.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

/* struct iphdr, struct ip6_hdr. */
enum {
	IP_SOURCE_AT = 12,
	IP_DESTINATION_AT = 16,
	IP6_SOURCE_AT = 8,
	IP6_DESTINATION_AT = 24,
	PORT_BYTES = 2,
};

/* A share is counted in flows of a hundred; a budget in packets a second. */
enum { FLOWS_MODULUS = 100, SECOND = 1 };

/* Returns NULL, and remembers it, when memory ran out. */
static struct nftnl_expr *put(struct nftnl_rule *rule, const char *name, int *err)
{
	struct nftnl_expr *expr = nftnl_expr_alloc(name);

	if (!expr) {
		*err = -ENOMEM;
		return NULL;
	}
	nftnl_rule_add_expr(rule, expr);
	return expr;
}

static void put_compare(struct nftnl_rule *rule, uint32_t op, const void *value,
			uint32_t bytes, int *err)
{
	struct nftnl_expr *expr = put(rule, "cmp", err);

	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_CMP_OP, op);
	nftnl_expr_set(expr, NFTNL_EXPR_CMP_DATA, value, bytes);
}

/* fib saddr|daddr type local, or != local */
static void put_end(struct nftnl_rule *rule, uint32_t flags, enum layout_end end,
		    int *err)
{
	uint32_t type = RTN_LOCAL;
	struct nftnl_expr *expr;

	if (end == LAYOUT_ANY)
		return;
	expr = put(rule, "fib", err);
	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_FIB_DREG, NFT_REG_1);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_FIB_FLAGS, flags);
	put_compare(rule, end == LAYOUT_LOCAL ? NFT_CMP_EQ : NFT_CMP_NEQ, &type,
		    sizeof(type), err);
}

static void put_meta(struct nftnl_rule *rule, uint32_t key, int *err)
{
	struct nftnl_expr *expr = put(rule, "meta", err);

	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_META_DREG, NFT_REG_1);
}

/* meta nfproto: the network header is read only where it is of that family. */
static void put_family(struct nftnl_rule *rule, uint8_t family, int *err)
{
	uint8_t nfproto = family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6;

	put_meta(rule, NFT_META_NFPROTO, err);
	put_compare(rule, NFT_CMP_EQ, &nfproto, sizeof(nfproto), err);
}

static void put_payload(struct nftnl_rule *rule, uint32_t base, uint32_t offset,
			uint32_t bytes, uint32_t to, int *err)
{
	struct nftnl_expr *expr = put(rule, "payload", err);

	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_BASE, base);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_LEN, bytes);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_DREG, to);
}

/* Loads the address to the register; returns the next one. */
static uint32_t put_address(struct nftnl_rule *rule, uint8_t family, bool source,
			    uint32_t to, int *err)
{
	uint32_t at, bytes;

	if (family == AF_UNSPEC)
		return to;
	if (family == AF_INET) {
		at = source ? IP_SOURCE_AT : IP_DESTINATION_AT;
		bytes = sizeof(struct in_addr);
	} else {
		at = source ? IP6_SOURCE_AT : IP6_DESTINATION_AT;
		bytes = sizeof(struct in6_addr);
	}
	put_payload(rule, NFT_PAYLOAD_NETWORK_HEADER, at, bytes, to, err);
	return to + bytes / EXPR_REGISTER_BYTES;
}

static void put_vmap(struct nftnl_rule *rule, unsigned map, int *err)
{
	struct nftnl_expr *expr = put(rule, "lookup", err);

	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_LOOKUP_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_str(expr, NFTNL_EXPR_LOOKUP_SET, layout_map_name(map));
	nftnl_expr_set_u32(expr, NFTNL_EXPR_LOOKUP_FLAGS, 0);
}

/* limit rate over N/second burst N packets */
static void put_budget(struct nftnl_rule *rule, uint32_t packets_per_s, int *err)
{
	struct nftnl_expr *expr = put(rule, "limit", err);

	if (!expr)
		return;
	nftnl_expr_set_u64(expr, NFTNL_EXPR_LIMIT_RATE, packets_per_s);
	nftnl_expr_set_u64(expr, NFTNL_EXPR_LIMIT_UNIT, SECOND);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_LIMIT_BURST, packets_per_s);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_LIMIT_FLAGS, NFT_LIMIT_F_INV);
}

static void put_hash(struct nftnl_rule *rule, uint32_t bytes, uint32_t seed, int *err)
{
	struct nftnl_expr *expr = put(rule, "hash", err);

	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_HASH_SREG, NFT_REG_2);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_HASH_DREG, NFT_REG_1);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_HASH_LEN, bytes);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_HASH_MODULUS, FLOWS_MODULUS);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_HASH_SEED, seed);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_HASH_TYPE, NFT_HASH_JENKINS);
}

/* Numbers are compared byte by byte. */
static void put_to_wire_order(struct nftnl_rule *rule, int *err)
{
	struct nftnl_expr *expr = put(rule, "byteorder", err);

	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_BYTEORDER_SREG, NFT_REG_1);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_BYTEORDER_DREG, NFT_REG_1);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_BYTEORDER_OP, NFT_BYTEORDER_HTON);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_BYTEORDER_LEN, sizeof(uint32_t));
	nftnl_expr_set_u32(expr, NFTNL_EXPR_BYTEORDER_SIZE, sizeof(uint32_t));
}

/*
 * jhash ip saddr . th sport mod 100 seed N < PERCENT: of the client's end, so that both
 * directions of a flow agree. In the registers that nft uses, and called as the kernel
 * calls them when it is asked.
 */
static void put_share(struct nftnl_rule *rule, const struct untrack *untrack, int *err)
{
	bool v4 = untrack->family == AF_INET;
	uint32_t address_bytes = v4 ? sizeof(struct in_addr) : sizeof(struct in6_addr);
	uint32_t bound = htonl(untrack->extent.percent);

	put_family(rule, untrack->family, err);
	put_address(rule, untrack->family, untrack->by_source, NFT_REG_2, err);
	put_payload(rule, NFT_PAYLOAD_TRANSPORT_HEADER,
		    untrack->by_source ? EXPR_SOURCE_PORT_AT : EXPR_DESTINATION_PORT_AT,
		    PORT_BYTES, v4 ? NFT_REG32_05 : NFT_REG_3, err);
	put_hash(rule, address_bytes + EXPR_REGISTER_BYTES, untrack->extent.seed, err);
	put_to_wire_order(rule, err);
	put_compare(rule, NFT_CMP_LT, &bound, sizeof(bound), err);
}

static void put_counter(struct nftnl_rule *rule, const struct untrack *untrack, int *err)
{
	struct nftnl_expr *expr = put(rule, "counter", err);

	if (!expr)
		return;
	nftnl_expr_set_u64(expr, NFTNL_EXPR_CTR_PACKETS, untrack->packets);
	nftnl_expr_set_u64(expr, NFTNL_EXPR_CTR_BYTES, untrack->bytes);
}

int expr_put_untrack(struct nftnl_rule *rule, const struct untrack *untrack)
{
	int err = 0;

	if (untrack->from_here)
		put_end(rule, NFTA_FIB_F_SADDR, LAYOUT_LOCAL, &err);
	switch (untrack->extent.kind) {
	case EXTENT_SHARE: put_share(rule, untrack, &err); break;
	case EXTENT_BUDGET: put_budget(rule, untrack->extent.packets_per_s, &err); break;
	case EXTENT_ALL: break;
	}
	put_counter(rule, untrack, &err);
	put(rule, "notrack", &err);
	return err;
}

/*
 * The key is put together in the 32-bit registers from the first on, as nft does it:
 * NFT_REG_1 is the first of them by its old name, the second has only the new one.
 */
int expr_put_lookup(struct nftnl_rule *rule, const struct layout_lookup *lookup)
{
	uint8_t family = layout_map_family(lookup->map);
	uint32_t port_at =
		lookup->source ? EXPR_SOURCE_PORT_AT : EXPR_DESTINATION_PORT_AT;
	uint32_t next;
	int err = 0;

	put_end(rule, NFTA_FIB_F_SADDR, lookup->from, &err);
	put_end(rule, NFTA_FIB_F_DADDR, lookup->to, &err);
	if (family != AF_UNSPEC)
		put_family(rule, family, &err);
	put_meta(rule, NFT_META_L4PROTO, &err);
	next = put_address(rule, family, lookup->source, NFT_REG32_01, &err);
	put_payload(rule, NFT_PAYLOAD_TRANSPORT_HEADER, port_at, PORT_BYTES, next, &err);
	put_vmap(rule, lookup->map, &err);
	return err;
}
