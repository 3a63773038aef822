// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/apply.h"

/* Before the kernel's headers, which else define the same. */
#include <netinet/in.h>

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <libnftnl/common.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "lib/clock.h"
#include "lib/nl.h"
#include "rules/chain.h"
#include "rules/layout.h"
#include "rules/message.h"
#include "rules/plan.h"
#include "rules/refusal.h"
#include "rules/ruleset.h"
#include "rules/wish.h"

/* How often a plan is made anew because another program changed the ruleset meanwhile. */
enum { APPLY_TRIES = 50 };

/*
 * The kernel collects leases that ran out once a second (nft_set_hash.c, gc interval), and
 * drops that work if rules are changed meanwhile.
 */
static const double BUSY_PATIENCE_S = 10;
static const long BUSY_PAUSE_NS = 20 * CLOCK_NS_PER_MS;

struct message_type {
	uint16_t type;
	uint16_t flags;
};

/* Without NLM_F_EXCL what is there already is no error */
static const struct message_type TYPES[] = {
	[CHANGE_ADD_TABLE] = { NFT_MSG_NEWTABLE, NLM_F_CREATE },
	[CHANGE_DELETE_TABLE] = { NFT_MSG_DELTABLE, 0 },
	[CHANGE_ADD_MAP] = { NFT_MSG_NEWSET, NLM_F_CREATE },
	[CHANGE_ADD_HOOK] = { NFT_MSG_NEWCHAIN, NLM_F_CREATE },
	[CHANGE_DELETE_HOOK] = { NFT_MSG_DELCHAIN, 0 },
	[CHANGE_ADD_LOOKUP] = { NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND },
	[CHANGE_ADD_CHAIN] = { NFT_MSG_NEWCHAIN, NLM_F_CREATE },
	[CHANGE_FLUSH_CHAIN] = { NFT_MSG_DELRULE, 0 },
	[CHANGE_DELETE_CHAIN] = { NFT_MSG_DELCHAIN, 0 },
	[CHANGE_ADD_UNTRACK] = { NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND },
	[CHANGE_ADD_LEASE] = { NFT_MSG_NEWSETELEM, NLM_F_CREATE },
	[CHANGE_DELETE_LEASE] = { NFT_MSG_DELSETELEM, 0 },
};

/* A batch in the making. */
struct batch {
	char *data;
	size_t bytes;
	uint32_t first_sequence; /* of its begin; its changes follow one by one */
	uint32_t last_sequence;
};

static void begin_batch(struct batch *batch, struct nl *nl, uint32_t generation)
{
	struct nlmsghdr *header;

	batch->first_sequence = batch->last_sequence = nl_sequence(nl);
	header = nftnl_batch_begin(batch->data, batch->first_sequence);
	mnl_attr_put_u32(header, NFNL_BATCH_GENID, htonl(generation));
	batch->bytes = header->nlmsg_len;
}

/* The last change asks for an acknowledgement: the end of a batch is not always given one. */
static int write_change(struct batch *batch, struct nl *nl, const struct change *change,
			bool last)
{
	const struct message_type *type = &TYPES[change->kind];
	uint16_t flags = type->flags | (last ? NLM_F_ACK : 0);
	struct nlmsghdr *header;
	int err;

	batch->last_sequence = nl_sequence(nl);
	header = nftnl_nlmsg_build_hdr(batch->data + batch->bytes, type->type,
				       NFPROTO_INET, flags, batch->last_sequence);
	err = message_write(header, change);
	assert(header->nlmsg_len <= MESSAGE_BYTES_MAX);
	batch->bytes += header->nlmsg_len;
	return err;
}

/* Sends the plan. At an error *failed is the change that the kernel refused, or NULL. */
static int commit(struct nl *nl, const struct plan *plan, uint32_t generation,
		  const struct change **failed)
{
	/* Begin and end are two messages more. */
	struct batch batch = { .data = malloc((plan->count + 2) * MESSAGE_BYTES_MAX) };
	uint32_t failed_sequence = 0, index;
	int err = 0;

	*failed = NULL;
	if (!batch.data)
		return -ENOMEM;
	begin_batch(&batch, nl, generation);
	for (size_t i = 0; i < plan->count && !err; i++)
		err = write_change(&batch, nl, &plan->changes[i], i + 1 == plan->count);
	if (!err) {
		batch.bytes += nftnl_batch_end(batch.data + batch.bytes, nl_sequence(nl))
				       ->nlmsg_len;
		err = nl_batch(nl, batch.data, batch.bytes, batch.last_sequence,
			       &failed_sequence);
		/*
		 * Of begin, end, or none (0) it is none of the plan's: it wraps, or is
		 * too large.
		 */
		index = failed_sequence - batch.first_sequence - 1;
		if (err && index < plan->count)
			*failed = &plan->changes[index];
	}
	free(batch.data);
	return err;
}

static int read_for(struct nl *nl, const struct wish *wish, struct ruleset *known)
{
	if (wish->kind == WISH_REFRESH || wish->kind == WISH_FLUSH)
		return ruleset_identify(nl, known);
	return ruleset_read(nl, known);
}

/*
 * A chain cannot be deleted until the kernel has collected the elements that jumped to it
 * and ran out. Asked before, not tried: a refused batch makes the kernel put the
 * collection off (up to 4 s measured, against 1 s).
 */
static int refuse_held(struct nl *nl, const struct ruleset *known,
		       const struct service *service)
{
	const struct ruleset_service *there = ruleset_find(known, service);
	char name[LAYOUT_NAME_MAX];
	uint32_t uses;
	int err = 0;

	/* With the last service the whole table goes, whatever it holds. */
	if (!there || known->count == 1)
		return 0;
	for (int side = LAYOUT_IN; side < LAYOUT_SIDES && !err; side++) {
		if (there->sides[side].lease)
			continue;
		layout_chain_name((enum layout_side)side, service, name);
		err = chain_uses(nl, name, &uses);
		if (!err && uses > there->sides[side].rules)
			err = -EBUSY;
		if (err == -ENOENT)
			err = 0;
	}
	return err;
}

/* *sent: a batch was, whatever came of it. */
static int commit_wish(struct nl *nl, struct ruleset *known, const struct wish *wish,
		       struct apply_why *why, bool *sent)
{
	const struct service *service = wish->count == 1 ? wish->services : NULL;
	const struct change *failed = NULL;
	struct plan plan = { 0 };
	int err = wish_plan(wish, known, &plan);

	if (err) {
		refusal_of_plan(err, known, service, why);
		return err;
	}
	*sent = plan.count;
	if (plan.count)
		err = commit(nl, &plan, known->generation, &failed);
	if (!err)
		plan_committed(&plan, known);
	else
		refusal_of_kernel(err, failed, why);
	plan_free(&plan);
	return err;
}

/* Leases of ranges are collected when their map is changed. Returns -EBUSY: it takes its time. */
static int ask_to_collect(struct nl *nl, struct ruleset *known, const struct wish *wish,
			  struct apply_why *why)
{
	struct wish collect = *wish;
	bool sent;
	int err = 0;

	collect.kind = WISH_COLLECT;
	if (layout_map_ranged(layout_map(layout_group(wish->services), LAYOUT_IN)))
		err = commit_wish(nl, known, &collect, why, &sent);
	if (err)
		return err;
	refusal_of_plan(-EBUSY, known, wish->services, why);
	return -EBUSY;
}

/* One try: plan on what is known, commit, bring what is known up to date. */
static int try_once(struct nl *nl, struct ruleset *known, const struct wish *wish,
		    struct apply_why *why, bool *sent)
{
	const struct service *service = wish->count == 1 ? wish->services : NULL;
	int err = known->generation ? 0 : read_for(nl, wish, known);

	if (!err && wish->kind == WISH_DELETE)
		err = refuse_held(nl, known, service);
	if (err == -EBUSY)
		return ask_to_collect(nl, known, wish, why);
	if (err) {
		refusal_of_plan(err, known, service, why);
		return err;
	}
	return commit_wish(nl, known, wish, why, sent);
}

/* The answer to a batch was lost: what is there now tells what became of it. */
static int look_after_loss(struct nl *nl, struct ruleset *known, const struct wish *wish,
			   uint64_t since_ns, int err, struct apply_why *why)
{
	uint64_t age_ms;

	if (ruleset_read(nl, known))
		return err;
	age_ms = (clock_now_ns() - since_ns) / CLOCK_NS_PER_MS;
	if (wish_fulfilled(wish, known, age_ms))
		return 0;
	refusal_of_loss(why);
	return err;
}

static int try_and_look(struct nl *nl, struct ruleset *known, const struct wish *wish,
			struct apply_why *why)
{
	uint64_t since_ns = clock_now_ns();
	bool sent = false;
	int err = try_once(nl, known, wish, why, &sent);

	if (sent && (err == -ENOBUFS || err == -ETIMEDOUT))
		err = look_after_loss(nl, known, wish, since_ns, err, why);
	if (err)
		/* Out of date, or it may be: the next try reads it. */
		known->generation = 0;
	return err;
}

static int carry_out(struct nl *nl, struct ruleset *known, const struct wish *wish,
		     struct apply_why *why)
{
	/* What nfnetlink_rcv_batch() answers if the generation is another. */
	int err = -ERESTART;

	for (int tries = 0; err == -ERESTART && tries < APPLY_TRIES; tries++)
		err = try_and_look(nl, known, wish, why);
	return err == -ERESTART ? -EAGAIN : err;
}

int apply_add_known(struct nl *nl, struct ruleset *known, const struct service *service,
		    const struct terms *terms, struct apply_why *why)
{
	const struct wish wish = { WISH_ADD, service, 1, terms };

	return carry_out(nl, known, &wish, why);
}

int apply_add_judged(struct nl *nl, struct ruleset *known, const struct service *service,
		     const struct terms *terms, struct apply_why *why)
{
	const struct wish wish = { WISH_ADD, service, 1, terms };

	return try_and_look(nl, known, &wish, why);
}

int apply_add(struct nl *nl, const struct service *service, const struct terms *terms,
	      struct apply_why *why)
{
	struct ruleset known = { 0 };

	return apply_add_known(nl, &known, service, terms, why);
}

int apply_refresh(struct nl *nl, const struct service *services, size_t count,
		  const struct terms *terms, struct apply_why *why)
{
	const struct wish wish = { WISH_REFRESH, services, count, terms };
	struct ruleset known = { 0 };

	return carry_out(nl, &known, &wish, why);
}

int apply_delete(struct nl *nl, const struct service *service, struct apply_why *why)
{
	const struct wish wish = { WISH_DELETE, service, 1, NULL };
	struct ruleset known = { 0 };

	return carry_out(nl, &known, &wish, why);
}

int apply_delete_patiently(struct nl *nl, const struct service *service,
			   struct apply_why *why)
{
	const struct timespec pause = { .tv_nsec = BUSY_PAUSE_NS };
	uint64_t start = clock_now_ns();
	int err = apply_delete(nl, service, why);

	while (err == -EBUSY &&
	       clock_between_s(start, clock_now_ns()) < BUSY_PATIENCE_S) {
		nanosleep(&pause, NULL);
		err = apply_delete(nl, service, why);
	}
	return err;
}

int apply_flush(struct nl *nl, struct apply_why *why)
{
	const struct wish wish = { WISH_FLUSH, NULL, 0, NULL };
	struct ruleset known = { 0 };

	return carry_out(nl, &known, &wish, why);
}
