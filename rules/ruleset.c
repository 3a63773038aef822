// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/ruleset.h"

#include <errno.h>
#include <libnftnl/chain.h>
#include <libnftnl/gen.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "lib/nl.h"
#include "rules/chain.h"
#include "rules/comment.h"
#include "rules/damage.h"
#include "rules/element.h"
#include "rules/layout.h"
#include "rules/meaning.h"

/* How often a ruleset that changes while it is read is read again. */
enum { READ_TRIES = 20 };

const struct extent *ruleset_extent(const struct ruleset_service *entry)
{
	return &entry->sides[LAYOUT_IN].extent;
}

/* As extent_equal(), and the seeds too: the two directions of a flow must agree. */
static bool same_extent(const struct extent *a, const struct extent *b)
{
	return extent_equal(a, b) && (a->kind != EXTENT_SHARE || a->seed == b->seed);
}

bool ruleset_whole(const struct ruleset_service *entry, enum layout_side side)
{
	const struct ruleset_side *there = &entry->sides[side];
	const struct extent *extent = ruleset_extent(entry);
	unsigned count = untrack_count(extent, &entry->service, side);
	struct untrack first = untrack_rule(extent, &entry->service, side, 0);

	return there->rules == count && there->ours == (1U << count) - 1 &&
	       same_extent(&there->extent, &first.extent);
}

bool ruleset_untracks(const struct ruleset *ruleset, const struct ruleset_service *entry)
{
	unsigned needed = layout_lookups_of(layout_group(&entry->service));
	bool whole = true;

	for (int side = LAYOUT_IN; side < LAYOUT_SIDES; side++)
		whole = whole && entry->sides[side].lease &&
			ruleset_whole(entry, (enum layout_side)side);
	return whole && !ruleset->dormant && (ruleset->lookups & needed) == needed;
}

const struct ruleset_service *ruleset_find(const struct ruleset *ruleset,
					   const struct service *service)
{
	for (size_t i = 0; i < ruleset->count; i++)
		if (service_equal(&ruleset->services[i].service, service))
			return &ruleset->services[i];
	return NULL;
}

struct ruleset_service *ruleset_entry(struct ruleset *ruleset,
				      const struct service *service)
{
	struct ruleset_service *entry =
		(struct ruleset_service *)ruleset_find(ruleset, service);

	if (entry || ruleset->count == RULESET_SERVICES_MAX)
		return entry;
	entry = &ruleset->services[ruleset->count++];
	*entry = (struct ruleset_service){ .service = *service };
	return entry;
}

/* How a callback tells nl_transact() why */
static int fail(int err)
{
	errno = -err;
	return MNL_CB_ERROR;
}

static int generation_cb(const struct nlmsghdr *header, void *data)
{
	struct nftnl_gen *gen = nftnl_gen_alloc();
	uint32_t *out = data;
	int err = gen ? 0 : -ENOMEM;

	if (!err && nftnl_gen_nlmsg_parse(header, gen) < 0)
		err = -EBADMSG;
	if (!err)
		*out = nftnl_gen_get_u32(gen, NFTNL_GEN_ID);
	if (gen)
		nftnl_gen_free(gen);
	return err ? fail(err) : MNL_CB_OK;
}

/* Our tag is the comment. */
bool ruleset_is_tagged(const void *userdata, size_t bytes)
{
	size_t length = 0;
	const char *comment =
		comment_find(userdata, bytes, NFTNL_UDATA_TABLE_COMMENT, &length);

	return comment && length == sizeof(LAYOUT_TAG) &&
	       memcmp(comment, LAYOUT_TAG, length) == 0;
}

static void note_table(const struct nftnl_table *table, struct ruleset *ruleset)
{
	uint32_t bytes = 0, flags = nftnl_table_get_u32(table, NFTNL_TABLE_FLAGS);
	const void *tag = nftnl_table_get_data(table, NFTNL_TABLE_USERDATA, &bytes);

	ruleset->present = true;
	ruleset->ours = tag && ruleset_is_tagged(tag, bytes);
	ruleset->owned = flags & NFT_TABLE_F_OWNER;
	ruleset->dormant = flags & NFT_TABLE_F_DORMANT;
}

static int table_cb(const struct nlmsghdr *header, void *data)
{
	struct nftnl_table *table = nftnl_table_alloc();
	int err = table ? 0 : -ENOMEM;

	if (!err && nftnl_table_nlmsg_parse(header, table) < 0)
		err = -EBADMSG;
	if (!err)
		note_table(table, data);
	if (table)
		nftnl_table_free(table);
	return err ? fail(err) : MNL_CB_OK;
}

/* Rules of one chain that do not agree are not ours: the second is not counted so. */
static void note_untrack(struct ruleset_service *entry, enum layout_side side,
			 const struct untrack *untrack)
{
	struct ruleset_side *there = &entry->sides[side];
	unsigned index = untrack_index(untrack, &entry->service, side);

	there->packets += untrack->packets;
	there->bytes += untrack->bytes;
	if (index == UNTRACK_RULES_MAX || extent_unfit(&untrack->extent, &entry->service))
		return;
	if (!there->ours)
		there->extent = untrack->extent;
	if (same_extent(&there->extent, &untrack->extent))
		there->ours |= 1U << index;
}

static int note_service_rule(struct ruleset *ruleset, const char *chain,
			     const struct meaning *meaning)
{
	struct ruleset_service *entry;
	struct service service;
	enum layout_side side;

	if (!layout_parse_chain(chain, &side, &service))
		return 0;
	entry = ruleset_entry(ruleset, &service);
	if (!entry)
		return -E2BIG;
	entry->sides[side].rules++;
	if (meaning->kind == MEANING_UNTRACK)
		note_untrack(entry, side, &meaning->untrack);
	return 0;
}

static int note_rule(const struct nftnl_rule *rule, struct ruleset *ruleset)
{
	const char *table = nftnl_rule_get_str(rule, NFTNL_RULE_TABLE);
	const char *chain = nftnl_rule_get_str(rule, NFTNL_RULE_CHAIN);
	struct meaning meaning;
	int err;

	/* Old kernels dump the rules of every table. */
	if (!table || !chain || strcmp(table, RULESET_TABLE) != 0 ||
	    nftnl_rule_get_u32(rule, NFTNL_RULE_FAMILY) != NFPROTO_INET)
		return 0;
	err = meaning_read(rule, chain, &meaning);
	if (err)
		return err;
	if (meaning.kind == MEANING_LOOKUP) {
		ruleset->lookups |= 1U << meaning.lookup;
		return 0;
	}
	return note_service_rule(ruleset, chain, &meaning);
}

static int rule_cb(const struct nlmsghdr *header, void *data)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();
	int err = rule ? 0 : -ENOMEM;

	if (!err && nftnl_rule_nlmsg_parse(header, rule) < 0)
		err = -EBADMSG;
	if (!err)
		err = note_rule(rule, data);
	if (rule)
		nftnl_rule_free(rule);
	return err ? fail(err) : MNL_CB_OK;
}

struct reading {
	struct ruleset *ruleset;
	unsigned map;
};

static int note_elem(struct nftnl_set_elem *elem, void *data)
{
	const struct reading *reading = data;
	int err = element_note(elem, reading->map, reading->ruleset);

	return err ? fail(err) : 0;
}

static int elements_cb(const struct nlmsghdr *header, void *data)
{
	struct nftnl_set *set = nftnl_set_alloc();
	int err = set ? 0 : -ENOMEM;

	if (!err && nftnl_set_elems_nlmsg_parse(header, set) < 0)
		err = -EBADMSG;
	if (!err && nftnl_set_elem_foreach(set, note_elem, data) < 0)
		err = -errno;
	if (set)
		nftnl_set_free(set);
	return err ? fail(err) : MNL_CB_OK;
}

static struct nlmsghdr *begin(struct nl *nl, uint16_t message, uint16_t flags)
{
	return nl_begin_nfnl(nl, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | message), flags,
			     NFPROTO_INET);
}

int ruleset_generation(struct nl *nl, uint32_t *out)
{
	int err;

	begin(nl, NFT_MSG_GETGEN, NLM_F_ACK);
	err = nl_transact(nl, generation_cb, out);
	/* What nfnetlink answers for a subsystem that the kernel does not have. */
	return err == -EINVAL || err == -EOPNOTSUPP ? -EPROTONOSUPPORT : err;
}

static int read_table(struct nl *nl, struct ruleset *out)
{
	struct nftnl_table *table = nftnl_table_alloc();
	int err;

	if (!table)
		return -ENOMEM;
	nftnl_table_set_str(table, NFTNL_TABLE_NAME, RULESET_TABLE);
	nftnl_table_nlmsg_build_payload(begin(nl, NFT_MSG_GETTABLE, NLM_F_ACK), table);
	nftnl_table_free(table);
	err = nl_transact(nl, table_cb, out);
	return err == -ENOENT ? 0 : err;
}

static int read_rules(struct nl *nl, struct ruleset *out)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();

	if (!rule)
		return -ENOMEM;
	nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, RULESET_TABLE);
	nftnl_rule_nlmsg_build_payload(begin(nl, NFT_MSG_GETRULE, NLM_F_DUMP), rule);
	nftnl_rule_free(rule);
	return nl_transact(nl, rule_cb, out);
}

/* Look-ups in a chain that somebody has made anew elsewhere are of no use. */
static int read_places(struct nl *nl, struct ruleset *out)
{
	int err = chain_misplaced(nl, &out->misplaced);

	for (unsigned i = 0; i < LAYOUT_LOOKUPS; i++)
		if (out->misplaced & 1U << layout_lookup(i).hook)
			out->lookups &= ~(1U << i);
	return err;
}

static int read_elements(struct nl *nl, unsigned map, struct ruleset *out)
{
	struct reading reading = { .ruleset = out, .map = map };
	struct nftnl_set *set = nftnl_set_alloc();
	int err;

	if (!set)
		return -ENOMEM;
	nftnl_set_set_str(set, NFTNL_SET_TABLE, RULESET_TABLE);
	nftnl_set_set_str(set, NFTNL_SET_NAME, layout_map_name(map));
	nftnl_set_elems_nlmsg_build_payload(begin(nl, NFT_MSG_GETSETELEM, NLM_F_DUMP),
					    set);
	nftnl_set_free(set);
	err = nl_transact(nl, elements_cb, &reading);
	return err == -ENOENT ? 0 : err;
}

/*
 * The maps that a rule looks up, and those of services that have chains: somebody may have
 * deleted the rules, and leases come to life again with them.
 */
static int read_leases(struct nl *nl, struct ruleset *out)
{
	bool used[LAYOUT_MAPS] = { false };
	int err = 0;

	for (unsigned i = 0; i < LAYOUT_LOOKUPS; i++)
		if (out->lookups & 1U << i)
			used[layout_lookup(i).map] = true;
	for (size_t i = 0; i < out->count; i++)
		for (int side = LAYOUT_IN; side < LAYOUT_SIDES; side++)
			used[layout_map(layout_group(&out->services[i].service),
					(enum layout_side)side)] = true;
	for (unsigned map = 0; map < LAYOUT_MAPS && !err; map++)
		if (used[map])
			err = read_elements(nl, map, out);
	return err;
}

/* Services are written when they are added: tens of kilobytes that mostly nobody needs. */
static void clear(struct ruleset *out)
{
	memset(out, 0, offsetof(struct ruleset, services));
}

static int identify(struct nl *nl, struct ruleset *out)
{
	int err;

	clear(out);
	/* Before all else: a change from here on shows as another one at the end. */
	err = ruleset_generation(nl, &out->generation);
	return err ? err : read_table(nl, out);
}

static int read_once(struct nl *nl, struct ruleset *out)
{
	uint32_t after = 0;
	int err = identify(nl, out);

	if (err || !out->ours)
		return err;
	err = read_rules(nl, out);
	if (!err)
		err = read_places(nl, out);
	if (!err)
		err = read_leases(nl, out);
	if (!err)
		err = ruleset_generation(nl, &after);
	if (err)
		return err;
	damage_assess(out);
	return after == out->generation ? 0 : -EINTR;
}

int ruleset_identify(struct nl *nl, struct ruleset *out)
{
	int err = identify(nl, out);

	if (err)
		clear(out);
	return err;
}

int ruleset_read(struct nl *nl, struct ruleset *out)
{
	int err = -EINTR;

	/* What overflowed the socket is gone; an answer that was lost is asked for again. */
	for (int tries = 0; (err == -EINTR || err == -ENOBUFS) && tries < READ_TRIES;
	     tries++)
		err = read_once(nl, out);
	if (err)
		clear(out);
	return err == -EINTR ? -EAGAIN : err;
}
