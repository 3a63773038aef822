// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/ctmatch.h"
#include "rules/run.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/xt_connlimit.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_helper.h>
#include <linux/netfilter/xt_state.h>
#include <stddef.h>
#include <string.h>

#include "rules/effect.h"

/* What xt_conntrack keeps, of whichever revision, as far as it is asked for here. */
struct conntrack_info {
	uint16_t flags, inverse;
	uint16_t states, statuses;
	uint16_t proto;
	const union nf_inet_addr *addresses; /* pairs of address and mask */
};

static bool read_conntrack(const struct model_expr *expr,
			   struct xt_conntrack_mtinfo3 *raw, struct conntrack_info *out)
{
	struct xt_conntrack_mtinfo1 old;

	if (expr->number[0] == 1) {
		if (!xtinfo_take(expr, &old, sizeof(old)))
			return false;
		memcpy(raw, &old, offsetof(struct xt_conntrack_mtinfo1, state_mask));
		raw->state_mask = old.state_mask;
		raw->status_mask = old.status_mask;
	} else if (!xtinfo_take(expr, raw,
				expr->number[0] == 2 ? sizeof(struct xt_conntrack_mtinfo2)
						     : sizeof(*raw))) {
		return false;
	}
	*out = (struct conntrack_info){
		.flags = raw->match_flags,
		.inverse = raw->invert_flags,
		.states = raw->state_mask,
		.statuses = raw->status_mask,
		.proto = raw->l4proto,
		.addresses = &raw->origsrc_addr,
	};
	return expr->number[0] >= 1 && expr->number[0] <= 3;
}

/* The bits of the state, of which NAT's are never set: what is translated is not followed. */
static uint16_t conntrack_state(struct run *run)
{
	/* NF_CT_STATE_UNTRACKED_BIT is XT_CONNTRACK_STATE_SNAT here. */
	return run->now.tracking == RUN_UNTRACKED ? XT_CONNTRACK_STATE_UNTRACKED
						  : (uint16_t)run_state(run);
}

/* Who is meant by the four tuples' ends, in the order of the structure. */
static enum packet_field conntrack_end(struct run *run, unsigned which)
{
	/* Original source, original destination, reply source, reply destination. */
	bool client = which == 0 || which == 3;

	if (run_is_reversed(run))
		client = !client;
	return client ? PACKET_CLIENT : PACKET_SERVER;
}

static bool conntrack_address(struct run *run, const struct conntrack_info *info,
			      unsigned which)
{
	size_t count = run->packet->family == AF_INET ? 4 : 16;
	const uint8_t *want = (const uint8_t *)&info->addresses[2 * which];
	const uint8_t *mask = (const uint8_t *)&info->addresses[2 * which + 1];
	struct byte bytes[sizeof(union nf_inet_addr)];
	uint8_t masked[sizeof(union nf_inet_addr)];

	bytes_put_symbol(
		bytes, count,
		packet_symbol(run->packet, run->world, conntrack_end(run, which)));
	for (size_t i = 0; i < count; i++) {
		bytes[i].mask &= mask[i];
		bytes[i].is_symbol = bytes[i].mask;
		masked[i] = want[i] & mask[i];
	}
	return bytes_equal(run->world, bytes, count, masked);
}

/* What it asks of a connection beyond the state, which all must be so. */
static bool conntrack_rest(struct run *run, const struct model_expr *expr,
			   const struct conntrack_info *info)
{
	const unsigned plain = XT_CONNTRACK_STATE | XT_CONNTRACK_STATE_ALIAS |
			       XT_CONNTRACK_PROTO | XT_CONNTRACK_DIRECTION |
			       XT_CONNTRACK_ORIGSRC | XT_CONNTRACK_ORIGDST |
			       XT_CONNTRACK_REPLSRC | XT_CONNTRACK_REPLDST;

	if (info->flags & XT_CONNTRACK_DIRECTION &&
	    run_is_original(run) != !(info->inverse & XT_CONNTRACK_DIRECTION))
		return false;
	if (info->flags & XT_CONNTRACK_PROTO &&
	    (info->proto == run->packet->service->proto) !=
		    !(info->inverse & XT_CONNTRACK_PROTO))
		return false;
	for (unsigned i = 0; i < 4; i++) {
		/* The flags of the ends follow each other as the ends do. */
		unsigned flag = (unsigned)XT_CONNTRACK_ORIGSRC << i;

		if (info->flags & flag &&
		    conntrack_address(run, info, i) != !(info->inverse & flag))
			return false;
	}
	/* Ports, status, expiry: so or not. */
	return !(info->flags & ~plain) ||
	       run_assume(run, XTINFO_FACT_NOW, xtinfo_digest(expr));
}

enum xtinfo_answer ctmatch_conntrack(struct run *run, const struct model_expr *expr)
{
	struct xt_conntrack_mtinfo3 raw = { 0 };
	struct conntrack_info info;

	if (!read_conntrack(expr, &raw, &info))
		return XTINFO_UNREADABLE;
	run_ask(run);
	if (info.flags & XT_CONNTRACK_STATE &&
	    !!(info.states & conntrack_state(run)) !=
		    !(info.inverse & XT_CONNTRACK_STATE))
		return XTINFO_NO;
	if (run->now.tracking != RUN_TRACKED)
		return xtinfo_say(info.flags & XT_CONNTRACK_STATE);
	return xtinfo_say(conntrack_rest(run, expr, &info));
}

enum xtinfo_answer ctmatch_state(struct run *run, const struct model_expr *expr)
{
	struct xt_state_info info;
	uint32_t bit;

	if (!xtinfo_take(expr, &info, sizeof(info)))
		return XTINFO_UNREADABLE;
	run_ask(run);
	bit = run->now.tracking == RUN_UNTRACKED ? XT_STATE_UNTRACKED : run_state(run);
	return xtinfo_say(info.statemask & bit);
}

enum xtinfo_answer ctmatch_connlimit(struct run *run, const struct model_expr *expr)
{
	struct xt_connlimit_info info;

	if (!xtinfo_take(expr, &info, offsetof(struct xt_connlimit_info, data)))
		return XTINFO_UNREADABLE;
	return xtinfo_say(effect_connlimit(run, !(info.flags & XT_CONNLIMIT_INVERT),
					   xtinfo_digest(expr)) == MODEL_CONTINUE);
}

enum xtinfo_answer ctmatch_connection(struct run *run, const struct model_expr *expr)
{
	run_ask(run);
	return xtinfo_say(run->now.tracking == RUN_TRACKED &&
			  run_assume(run, XTINFO_FACT_NOW, xtinfo_digest(expr)));
}

/* xt_helper.c: what no helper expected, or is not tracked, is none of that helper's. */
enum xtinfo_answer ctmatch_helper(struct run *run, const struct model_expr *expr)
{
	struct xt_helper_info info;

	if (!xtinfo_take(expr, &info, sizeof(info)))
		return XTINFO_UNREADABLE;
	run_ask(run);
	return xtinfo_say((run->now.tracking == RUN_TRACKED && run_is_expected(run) &&
			   run_assume_flow(run, XTINFO_FACT_MATCHES,
					   xtinfo_digest(expr))) == !info.invert);
}
