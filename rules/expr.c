// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/expr.h"

/* What libnftnl/expr.h forgets to include. */
#include <stdio.h>

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

/* struct iphdr, struct ip6_hdr, and the two ports that start both UDP and TCP. */
enum {
	IP_SOURCE_AT = 12,
	IP_DESTINATION_AT = 16,
	IP6_SOURCE_AT = 8,
	IP6_DESTINATION_AT = 24,
	SOURCE_PORT_AT = 0,
	DESTINATION_PORT_AT = 2,
	PORT_BYTES = 2,
	REGISTER_BYTES = 4,
};

/* Enough for the text of any expression that we write. */
enum { EXPR_TEXT_MAX = 256 };

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

static void put_compare(struct nftnl_rule *rule, const void *value, uint32_t bytes,
			int *err)
{
	struct nftnl_expr *expr = put(rule, "cmp", err);

	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_CMP_OP, NFT_CMP_EQ);
	nftnl_expr_set(expr, NFTNL_EXPR_CMP_DATA, value, bytes);
}

/* fib daddr type local */
static void put_local(struct nftnl_rule *rule, int *err)
{
	struct nftnl_expr *expr = put(rule, "fib", err);
	uint32_t type = RTN_LOCAL;

	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_FIB_DREG, NFT_REG_1);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_FIB_FLAGS, NFTA_FIB_F_DADDR);
	put_compare(rule, &type, sizeof(type), err);
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
	put_compare(rule, &nfproto, sizeof(nfproto), err);
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
	return to + bytes / REGISTER_BYTES;
}

static void put_vmap(struct nftnl_rule *rule, enum layout_map map, int *err)
{
	struct nftnl_expr *expr = put(rule, "lookup", err);

	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_LOOKUP_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_str(expr, NFTNL_EXPR_LOOKUP_SET, layout_map_name(map));
	nftnl_expr_set_u32(expr, NFTNL_EXPR_LOOKUP_FLAGS, 0);
}

int expr_put_notrack(struct nftnl_rule *rule)
{
	int err = 0;

	put(rule, "counter", &err);
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
	uint32_t port_at = lookup->source ? SOURCE_PORT_AT : DESTINATION_PORT_AT;
	uint32_t next;
	int err = 0;

	if (lookup->local)
		put_local(rule, &err);
	if (family != AF_UNSPEC)
		put_family(rule, family, &err);
	put_meta(rule, NFT_META_L4PROTO, &err);
	next = put_address(rule, family, lookup->source, NFT_REG32_01, &err);
	put_payload(rule, NFT_PAYLOAD_TRANSPORT_HEADER, port_at, PORT_BYTES, next, &err);
	put_vmap(rule, lookup->map, &err);
	return err;
}

static bool is_named(const struct nftnl_expr *expr, const char *name)
{
	return expr && strcmp(nftnl_expr_get_str(expr, NFTNL_EXPR_NAME), name) == 0;
}

static int recognise_notrack(const struct nftnl_rule *rule, struct expr_rule *out)
{
	struct nftnl_expr_iter *iter = nftnl_expr_iter_create(rule);
	const struct nftnl_expr *counter;

	if (!iter)
		return -ENOMEM;
	counter = nftnl_expr_iter_next(iter);
	if (is_named(counter, "counter") &&
	    is_named(nftnl_expr_iter_next(iter), "notrack") &&
	    !nftnl_expr_iter_next(iter)) {
		out->meaning = EXPR_NOTRACK;
		out->packets = nftnl_expr_get_u64(counter, NFTNL_EXPR_CTR_PACKETS);
		out->bytes = nftnl_expr_get_u64(counter, NFTNL_EXPR_CTR_BYTES);
	}
	nftnl_expr_iter_destroy(iter);
	return 0;
}

/* Two expressions are the same if libnftnl prints them alike: it prints every attribute. */
static bool same_expr(const struct nftnl_expr *a, const struct nftnl_expr *b)
{
	char a_text[EXPR_TEXT_MAX] = "", b_text[EXPR_TEXT_MAX] = "";

	if (!a || !b)
		return !a && !b;
	if (!is_named(a, nftnl_expr_get_str(b, NFTNL_EXPR_NAME)))
		return false;
	nftnl_expr_snprintf(a_text, sizeof(a_text), a, NFTNL_OUTPUT_DEFAULT, 0);
	nftnl_expr_snprintf(b_text, sizeof(b_text), b, NFTNL_OUTPUT_DEFAULT, 0);
	return strcmp(a_text, b_text) == 0;
}

static int compare_rules(const struct nftnl_rule *a, const struct nftnl_rule *b,
			 bool *same)
{
	struct nftnl_expr_iter *a_iter = nftnl_expr_iter_create(a);
	struct nftnl_expr_iter *b_iter = nftnl_expr_iter_create(b);
	const struct nftnl_expr *expr;
	int err = -ENOMEM;

	if (!a_iter || !b_iter)
		goto out;
	err = 0;
	do {
		expr = nftnl_expr_iter_next(a_iter);
		*same = same_expr(expr, nftnl_expr_iter_next(b_iter));
	} while (expr && *same);
out:
	if (a_iter)
		nftnl_expr_iter_destroy(a_iter);
	if (b_iter)
		nftnl_expr_iter_destroy(b_iter);
	return err;
}

static int recognise_lookup(const struct nftnl_rule *rule, unsigned index,
			    struct expr_rule *out)
{
	struct nftnl_rule *ours = nftnl_rule_alloc();
	bool same = false;
	int err;

	if (!ours)
		return -ENOMEM;
	err = expr_put_lookup(ours, layout_lookup(index));
	if (!err)
		err = compare_rules(rule, ours, &same);
	nftnl_rule_free(ours);
	if (!err && same) {
		out->meaning = EXPR_LOOKUP;
		out->lookup = index;
	}
	return err;
}

/* The map that the rule's last expression looks up, or NULL. */
static int find_map(const struct nftnl_rule *rule, const char **map)
{
	struct nftnl_expr_iter *iter = nftnl_expr_iter_create(rule);
	const struct nftnl_expr *expr, *last = NULL;

	if (!iter)
		return -ENOMEM;
	while ((expr = nftnl_expr_iter_next(iter)))
		last = expr;
	nftnl_expr_iter_destroy(iter);
	*map = is_named(last, "lookup") ? nftnl_expr_get_str(last, NFTNL_EXPR_LOOKUP_SET)
					: NULL;
	return 0;
}

int expr_recognise(const struct nftnl_rule *rule, const char *chain,
		   struct expr_rule *out)
{
	struct expr_rule found = { .meaning = EXPR_STRANGE };
	const char *map = NULL;
	int err = recognise_notrack(rule, &found);

	if (!err)
		err = find_map(rule, &map);
	for (unsigned i = 0; map && !err && i < LAYOUT_LOOKUPS; i++) {
		const struct layout_lookup *lookup = layout_lookup(i);

		if (strcmp(layout_hook_name(lookup->hook), chain) == 0 &&
		    strcmp(layout_map_name(lookup->map), map) == 0)
			err = recognise_lookup(rule, i, &found);
	}
	if (!err)
		*out = found;
	return err;
}
