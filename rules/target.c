// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/target.h"
#include "rules/run.h"
#include "rules/surroundings.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/xt_CONNSECMARK.h>
#include <linux/netfilter/xt_CT.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <linux/netfilter/xt_TPROXY.h>
#include <linux/netfilter/xt_connmark.h>
#include <linux/netfilter/xt_mark.h>
#include <linux/netfilter/xt_set.h>
#include <stddef.h>
#include <string.h>

#include "rules/effect.h"
#include "rules/xtables.h"

enum { MARK_BYTES = 4 };

static enum model_verdict_code opaque(struct run *run)
{
	run_ask(run);
	run_note(run, RUN_OPAQUE, run_place(run));
	return MODEL_CONTINUE;
}

/* Copies what the extension keeps; false if it is not so long. Padding may follow. */
static bool take(const struct model_expr *expr, void *info, size_t bytes)
{
	if (expr->value.bytes < bytes || expr->value.bytes > bytes + 64)
		return false;
	memcpy(info, expr->value.at, bytes);
	return true;
}

/* to becomes (to without mask) xor (from under from_mask), as far as that can be told apart. */
static void mix(struct run *run, struct byte *to, uint32_t mask, const struct byte *from,
		uint32_t from_mask)
{
	uint8_t out[MARK_BYTES], in[MARK_BYTES];

	memcpy(out, &mask, sizeof(mask));
	memcpy(in, &from_mask, sizeof(from_mask));
	for (size_t i = 0; i < MARK_BYTES; i++) {
		uint8_t keep = (uint8_t)~out[i];
		struct byte kept = to[i], added = from[i];

		kept.value &= keep;
		kept.mask &= keep;
		kept.is_symbol = kept.is_symbol && kept.mask;
		added.value &= in[i];
		added.mask &= in[i];
		added.is_symbol = added.is_symbol && added.mask;
		if (kept.is_symbol && added.is_symbol) {
			opaque(run);
			continue;
		}
		to[i] = kept.is_symbol ? kept : added;
		to[i].value = kept.value ^ added.value;
	}
}

static enum model_verdict_code target_mark(struct run *run, const struct model_expr *expr)
{
	struct xt_mark_tginfo2 info;
	struct byte value[MARK_BYTES];

	if (expr->number[0] != 2 || !take(expr, &info, sizeof(info)))
		return opaque(run);
	bytes_put_known(value, MARK_BYTES, &info.mark);
	mix(run, run->now.mark, info.mask, value, UINT32_MAX);
	run->now.mark_rule = run->rule;
	return MODEL_CONTINUE;
}

/* xt_connmark.c: without a connection it does nothing. */
static enum model_verdict_code target_connmark(struct run *run,
					       const struct model_expr *expr)
{
	struct xt_connmark_tginfo1 info;
	struct xt_connmark_tginfo2 later;
	struct byte value[MARK_BYTES];

	run_ask(run);
	if (run->now.tracking != RUN_TRACKED)
		return MODEL_CONTINUE;
	if (expr->number[0] == 2 && take(expr, &later, sizeof(later)) &&
	    !later.shift_bits)
		info = (struct xt_connmark_tginfo1){ later.ctmark, later.ctmask,
						     later.nfmask, later.mode };
	else if (expr->number[0] != 1 || !take(expr, &info, sizeof(info)))
		return opaque(run);
	switch (info.mode) {
	case XT_CONNMARK_SET:
		bytes_put_known(value, MARK_BYTES, &info.ctmark);
		mix(run, run->now.ct_mark, info.ctmask, value, UINT32_MAX);
		break;
	case XT_CONNMARK_SAVE:
		mix(run, run->now.ct_mark, info.ctmask, run->now.mark, info.nfmask);
		break;
	case XT_CONNMARK_RESTORE:
		mix(run, run->now.mark, info.nfmask, run->now.ct_mark, info.ctmask);
		run->now.mark_rule = run->rule;
		return MODEL_CONTINUE;
	default: return opaque(run);
	}
	run_note(run, RUN_CT_MARK, 0);
	return MODEL_CONTINUE;
}

/* xt_CT.c: what conntrack has seen already, or what is untracked, is left alone. */
static enum model_verdict_code target_ct(struct run *run, const struct model_expr *expr)
{
	/* All revisions begin alike. */
	const size_t common = offsetof(struct xt_ct_target_info, ct);
	struct xt_ct_target_info info = { 0 };

	run_ask(run);
	if (expr->value.bytes < common)
		return opaque(run);
	memcpy(&info, expr->value.at, common);
	if (run->now.tracking != RUN_NONE)
		return MODEL_CONTINUE;
	if (info.flags & XT_CT_NOTRACK)
		return effect_notrack(run);
	/* Which zone or timeout it gives is not told apart. */
	run->now.tracking = RUN_TEMPLATE;
	run_note(run, RUN_ZONE, 0);
	if (info.helper[0])
		run_note(run, RUN_HELPER, 0);
	return MODEL_CONTINUE;
}

/* What NAT targets keep, of whichever revision. */
struct translation {
	unsigned flags;
	union nf_inet_addr first, last;
	uint16_t first_port, last_port;
};

static bool read_translation(const struct model_expr *expr, struct translation *out)
{
	struct nf_nat_ipv4_multi_range_compat old;
	struct nf_nat_range range;

	*out = (struct translation){ 0 };
	if (expr->value.bytes >= sizeof(range)) {
		memcpy(&range, expr->value.at, sizeof(range));
		out->flags = range.flags;
		out->first = range.min_addr;
		out->last = range.max_addr;
		out->first_port = ntohs(range.min_proto.all);
		out->last_port = ntohs(range.max_proto.all);
		return true;
	}
	if (!take(expr, &old, sizeof(old)))
		return false;
	out->flags = old.range[0].flags;
	out->first.ip = old.range[0].min_ip;
	out->last.ip = old.range[0].max_ip;
	out->first_port = ntohs(old.range[0].min.all);
	out->last_port = ntohs(old.range[0].max.all);
	return true;
}

/* The detail of the effect: to which port, and whether to what is known to be another host. */
static uint64_t detail_of(const struct run *run, const struct translation *translation)
{
	size_t count = run->packet->family == AF_INET ? 4 : 16;
	uint64_t detail = 0;

	if (translation->flags & NF_NAT_RANGE_PROTO_SPECIFIED)
		detail = translation->first_port == translation->last_port
				 ? translation->first_port
				 : (uint64_t)RUN_ANY_PORT;
	if (translation->flags & NF_NAT_RANGE_MAP_IPS &&
	    memcmp(&translation->first, &translation->last, count) == 0 &&
	    run_is_elsewhere(run, &translation->first))
		detail |= RUN_AWAY;
	return detail;
}

static enum model_verdict_code translate(struct run *run, const struct model_expr *expr,
					 enum run_effect_kind kind)
{
	struct translation translation;
	uint64_t detail = RUN_ANY_PORT;

	run_ask(run);
	if (read_translation(expr, &translation))
		detail = detail_of(run, &translation);
	run_note(run, kind, detail);
	return MODEL_ACCEPT;
}

static enum model_verdict_code target_dnat(struct run *run, const struct model_expr *expr)
{
	return translate(run, expr, RUN_DNAT);
}

static enum model_verdict_code target_snat(struct run *run, const struct model_expr *expr)
{
	return translate(run, expr, RUN_SNAT);
}

static enum model_verdict_code target_masquerade(struct run *run,
						 const struct model_expr *expr)
{
	return translate(run, expr, RUN_MASQUERADE);
}

static enum model_verdict_code target_redirect(struct run *run,
					       const struct model_expr *expr)
{
	return translate(run, expr, RUN_REDIRECT);
}

static enum model_verdict_code target_netmap(struct run *run,
					     const struct model_expr *expr)
{
	/* xt_NETMAP.c: the source where NAT is of sources, else the destination. */
	bool source = run->now.hook == RUN_POSTROUTING || run->now.hook == RUN_INPUT;

	return translate(run, expr, source ? RUN_SNAT : RUN_DNAT);
}

static enum model_verdict_code target_queue(struct run *run,
					    const struct model_expr *expr)
{
	/* All revisions begin with the number. */
	struct xt_NFQ_info info = { 0 };

	if (!take(expr, &info, sizeof(info)))
		return opaque(run);
	return effect_elsewhere(run, MODEL_QUEUE, info.queuenum);
}

static enum model_verdict_code target_tproxy(struct run *run,
					     const struct model_expr *expr)
{
	struct xt_tproxy_target_info_v1 info;
	struct byte value[MARK_BYTES];

	if (!take(expr, &info,
		  expr->number[0] == 0 ? sizeof(struct xt_tproxy_target_info)
				       : sizeof(info)))
		return opaque(run);
	/* xt_TPROXY.c: without a proxy it drops, where that of nft does not match. */
	if (effect_elsewhere(run, MODEL_TPROXY, 0) == MODEL_BREAK)
		return MODEL_DROP;
	bytes_put_known(value, MARK_BYTES, &info.mark_value);
	mix(run, run->now.mark, info.mark_mask, value, UINT32_MAX);
	run->now.mark_rule = run->rule;
	return MODEL_ACCEPT;
}

static enum model_verdict_code target_synproxy(struct run *run,
					       const struct model_expr *expr)
{
	return effect_elsewhere(run, MODEL_SYNPROXY, 0);
}

static enum model_verdict_code target_copy(struct run *run, const struct model_expr *expr)
{
	return effect_elsewhere(run, MODEL_DUP, run_place(run));
}

static enum model_verdict_code target_reject(struct run *run,
					     const struct model_expr *expr)
{
	/* struct ipt_reject_info and struct ip6t_reject_info begin alike. */
	uint32_t with = 0;

	memcpy(&with, expr->value.at,
	       expr->value.bytes < sizeof(with) ? expr->value.bytes : sizeof(with));
	return effect_reject(run, with);
}

static enum model_verdict_code target_rewrite(struct run *run,
					      const struct model_expr *expr)
{
	run_note(run, RUN_REWRITE, run_place(run));
	return MODEL_CONTINUE;
}

static enum model_verdict_code target_classify(struct run *run,
					       const struct model_expr *expr)
{
	run_note(run, RUN_CLASSIFY, run_place(run));
	run->now.classed = true;
	return MODEL_CONTINUE;
}

/*
 * xt_set.c: puts the packet's addresses, and in sets of hash:ip,mark its mark, into a set, or takes its mark, priority and
 * queue from what a set has for these, which is the same for all packets that go one way.
 */
static enum model_verdict_code target_set(struct run *run, const struct model_expr *expr)
{
	/* The first revision is not read; the last has everything. */
	const size_t known = expr->number[0] == 0  ? 0
			     : expr->number[0] < 3 ? sizeof(struct xt_set_info_target_v1)
						   : sizeof(struct xt_set_info_target_v3);
	struct xt_set_info_target_v3 info = { .add_set = { .dim = 2 } };
	const uint64_t place = run_place(run);
	uint64_t mark = 0;

	if (expr->number[0] > 3 || (known && !take(expr, &info, known)))
		return opaque(run);
	if (info.add_set.dim > 1 || info.del_set.dim > 1 || info.map_set.dim > 1)
		mark = run_note_mark(run, RUN_SET_CHANGE, place);
	else
		run_note(run, RUN_SET_CHANGE, place);
	if (info.flags & IPSET_FLAG_MAP_SKBMARK)
		run_mark_anew(run, place ^ mark, packet_is_request(run->packet));
	return MODEL_CONTINUE;
}

/* xt_CONNSECMARK.c: the packet's mark becomes the connection's, or the other way round. */
static enum model_verdict_code target_secmark(struct run *run,
					      const struct model_expr *expr)
{
	uint8_t mode = 0;

	run_ask(run);
	if (!take(expr, &mode, sizeof(mode)))
		return opaque(run);
	if (run->now.tracking == RUN_TRACKED)
		run_note(run, mode == CONNSECMARK_RESTORE ? RUN_CLASSIFY : RUN_CT_OTHER,
			 run_place(run));
	return MODEL_CONTINUE;
}

static enum model_verdict_code target_notrack(struct run *run,
					      const struct model_expr *expr)
{
	return effect_notrack(run);
}

static const struct {
	const char *name;
	enum model_verdict_code (*evaluate)(struct run *, const struct model_expr *);
} TARGETS[] = {
	{ "CLASSIFY", target_classify },
	{ "CONNMARK", target_connmark },
	{ "CONNSECMARK", target_secmark },
	{ "CT", target_ct },
	{ "DNAT", target_dnat },
	{ "DSCP", target_rewrite },
	{ "ECN", target_rewrite },
	{ "HL", target_rewrite },
	{ "MARK", target_mark },
	{ "MASQUERADE", target_masquerade },
	{ "NETMAP", target_netmap },
	{ "NFQUEUE", target_queue },
	{ "NOTRACK", target_notrack },
	{ "REDIRECT", target_redirect },
	{ "REJECT", target_reject },
	{ "SECMARK", target_classify },
	{ "SET", target_set },
	{ "SNAT", target_snat },
	{ "SYNPROXY", target_synproxy },
	{ "TCPMSS", target_rewrite },
	{ "TCPOPTSTRIP", target_rewrite },
	{ "TEE", target_copy },
	{ "TOS", target_rewrite },
	{ "TPROXY", target_tproxy },
	{ "TTL", target_rewrite },
};

enum model_verdict_code target_evaluate(struct run *run, const struct model_expr *expr)
{
	for (size_t i = 0; i < sizeof(TARGETS) / sizeof(TARGETS[0]); i++)
		if (strcmp(TARGETS[i].name, expr->object) == 0)
			return TARGETS[i].evaluate(run, expr);
	/* Those that only tell somebody. */
	return xtables_target_effects(expr->object) == 0 ? MODEL_CONTINUE : opaque(run);
}
