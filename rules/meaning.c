// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/meaning.h"

/* What libnftnl/expr.h forgets to include. */
#include <stdio.h>

#include <arpa/inet.h>
#include <errno.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter/nf_tables.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "rules/expr.h"

/* Enough for the text of any expression that we write. */
enum { EXPR_TEXT_MAX = 256 };

static bool is_named(const struct nftnl_expr *expr, const char *name)
{
	return expr && strcmp(nftnl_expr_get_str(expr, NFTNL_EXPR_NAME), name) == 0;
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

/*
 * The next expression that does something: in front of a look-up in ranges nft 1.0.6 changes
 * the byte order of the protocol, which is one byte.
 */
static const struct nftnl_expr *next_expr(struct nftnl_expr_iter *iter)
{
	const struct nftnl_expr *expr;

	do {
		expr = nftnl_expr_iter_next(iter);
	} while (is_named(expr, "byteorder") &&
		 nftnl_expr_get_u32(expr, NFTNL_EXPR_BYTEORDER_LEN) == 1);
	return expr;
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
		expr = next_expr(a_iter);
		*same = same_expr(expr, next_expr(b_iter));
	} while (expr && *same);
out:
	if (a_iter)
		nftnl_expr_iter_destroy(a_iter);
	if (b_iter)
		nftnl_expr_iter_destroy(b_iter);
	return err;
}

static void read_hash(const struct nftnl_expr *expr, struct untrack *untrack)
{
	uint32_t bytes = nftnl_expr_get_u32(expr, NFTNL_EXPR_HASH_LEN);

	untrack->extent.kind = EXTENT_SHARE;
	untrack->extent.seed = nftnl_expr_get_u32(expr, NFTNL_EXPR_HASH_SEED);
	untrack->family = bytes == sizeof(struct in_addr) + EXPR_REGISTER_BYTES
				  ? AF_INET
				  : AF_INET6;
}

/* The bound of a share; the family's compare is for equality. */
static void read_bound(const struct nftnl_expr *expr, struct untrack *untrack)
{
	uint32_t bytes = 0, bound;
	const void *data = nftnl_expr_get(expr, NFTNL_EXPR_CMP_DATA, &bytes);

	if (!data || bytes != sizeof(bound) ||
	    nftnl_expr_get_u32(expr, NFTNL_EXPR_CMP_OP) != NFT_CMP_LT)
		return;
	memcpy(&bound, data, sizeof(bound));
	untrack->extent.percent = ntohl(bound);
}

static void read_limit(const struct nftnl_expr *expr, struct untrack *untrack)
{
	uint64_t rate = nftnl_expr_get_u64(expr, NFTNL_EXPR_LIMIT_RATE);

	untrack->extent.kind = EXTENT_BUDGET;
	/* What cannot be ours becomes a rate that is not the rule's. */
	untrack->extent.packets_per_s = rate > EXTENT_RATE_MAX ? 0 : (uint32_t)rate;
}

static void read_port(const struct nftnl_expr *expr, struct untrack *untrack)
{
	if (nftnl_expr_get_u32(expr, NFTNL_EXPR_PAYLOAD_BASE) ==
	    NFT_PAYLOAD_TRANSPORT_HEADER)
		untrack->by_source =
			nftnl_expr_get_u32(expr, NFTNL_EXPR_PAYLOAD_OFFSET) ==
			EXPR_SOURCE_PORT_AT;
}

/* What the rule would say, were it one of ours. */
static int guess_untrack(const struct nftnl_rule *rule, struct untrack *out)
{
	struct nftnl_expr_iter *iter = nftnl_expr_iter_create(rule);
	struct untrack guess = { 0 };
	const struct nftnl_expr *expr;

	if (!iter)
		return -ENOMEM;
	while ((expr = nftnl_expr_iter_next(iter))) {
		if (is_named(expr, "hash"))
			read_hash(expr, &guess);
		else if (is_named(expr, "cmp"))
			read_bound(expr, &guess);
		else if (is_named(expr, "limit"))
			read_limit(expr, &guess);
		else if (is_named(expr, "payload"))
			read_port(expr, &guess);
		else if (is_named(expr, "fib"))
			guess.from_here = true;
		else if (is_named(expr, "counter")) {
			guess.packets = nftnl_expr_get_u64(expr, NFTNL_EXPR_CTR_PACKETS);
			guess.bytes = nftnl_expr_get_u64(expr, NFTNL_EXPR_CTR_BYTES);
		}
	}
	nftnl_expr_iter_destroy(iter);
	*out = guess;
	return 0;
}

static int recognise_untrack(const struct nftnl_rule *rule, struct meaning *out)
{
	struct nftnl_rule *ours = nftnl_rule_alloc();
	struct untrack guess;
	bool same = false;
	int err;

	if (!ours)
		return -ENOMEM;
	err = guess_untrack(rule, &guess);
	if (!err)
		/*
		 * Written as we would write it: whatever else the rule says makes a
		 * difference then.
		 */
		err = expr_put_untrack(ours, &guess);
	if (!err)
		err = compare_rules(rule, ours, &same);
	nftnl_rule_free(ours);
	if (!err && same) {
		out->kind = MEANING_UNTRACK;
		out->untrack = guess;
	}
	return err;
}

static int recognise_lookup(const struct nftnl_rule *rule, unsigned index,
			    struct meaning *out)
{
	const struct layout_lookup lookup = layout_lookup(index);
	struct nftnl_rule *ours = nftnl_rule_alloc();
	bool same = false;
	int err;

	if (!ours)
		return -ENOMEM;
	err = expr_put_lookup(ours, &lookup);
	if (!err)
		err = compare_rules(rule, ours, &same);
	nftnl_rule_free(ours);
	if (!err && same) {
		out->kind = MEANING_LOOKUP;
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

int meaning_read(const struct nftnl_rule *rule, const char *chain, struct meaning *out)
{
	struct meaning found = { .kind = MEANING_STRANGE };
	const char *map = NULL;
	int err = recognise_untrack(rule, &found);

	if (!err)
		err = find_map(rule, &map);
	for (unsigned i = 0; map && !err && i < LAYOUT_LOOKUPS; i++) {
		const struct layout_lookup lookup = layout_lookup(i);

		if (strcmp(layout_hook_name(lookup.hook), chain) == 0 &&
		    strcmp(layout_map_name(lookup.map), map) == 0)
			err = recognise_lookup(rule, i, &found);
	}
	if (!err)
		*out = found;
	return err;
}
