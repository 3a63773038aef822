// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/effect.h"
#include "rules/run.h"
#include "rules/surroundings.h"

#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

/* What a fact is about. */
enum { FACT_OVER = 0x20, FACT_WITHIN_LIMIT, FACT_PROXY, FACT_REPEATED };

enum model_verdict_code effect_meta_set(struct run *run, const struct model_expr *expr)
{
	switch (expr->number[0]) {
	case NFT_META_MARK:
		memcpy(run->now.mark, run->registers + expr->source,
		       sizeof(run->now.mark));
		run->now.mark_rule = run->rule;
		break;
	case NFT_META_NFTRACE: break;
	default:
		run->now.classed = true;
		run_note_value(run, RUN_CLASSIFY, expr->number[0], expr->source,
			       expr->number[0] == NFT_META_PKTTYPE ? 1
								   : sizeof(uint32_t));
		break;
	}
	return MODEL_CONTINUE;
}

/* nft_ct_set_zone_eval(): a template, which undoes what a notrack before it did. */
static void set_zone(struct run *run)
{
	if (run->now.tracking != RUN_TRACKED)
		run->now.tracking = RUN_TEMPLATE;
	run_note(run, RUN_ZONE, 0);
}

enum model_verdict_code effect_ct_set(struct run *run, const struct model_expr *expr)
{
	uint32_t key = expr->number[0];

	run_ask(run);
	if (key == NFT_CT_ZONE) {
		set_zone(run);
	} else if (run->now.tracking != RUN_TRACKED) {
		return MODEL_CONTINUE;
	} else if (key == NFT_CT_MARK) {
		memcpy(run->now.ct_mark, run->registers + expr->source,
		       sizeof(run->now.ct_mark));
		run_note(run, RUN_CT_MARK, 0);
	} else {
		run_note(run, RUN_CT_OTHER, key);
	}
	return MODEL_CONTINUE;
}

/* A change of what conntrack looks at is more than a change of a header. */
enum model_verdict_code effect_payload_set(struct run *run, const struct model_expr *expr)
{
	uint32_t base = expr->number[0], offset = expr->number[1];
	uint32_t count = expr->number[2];
	bool v4 = run->packet->family == AF_INET;
	/* Where the addresses begin, and where they end. */
	uint32_t addresses = v4 ? 12 : 8, end = v4 ? 20 : 40;
	struct run_write *write = &run->write[run->now.writes];

	run_note_value(run, RUN_REWRITE, (uint64_t)base << 32 | offset, expr->source,
		       count);
	if ((base == NFT_PAYLOAD_TRANSPORT_HEADER && offset < 4) ||
	    (base == NFT_PAYLOAD_NETWORK_HEADER && offset < end &&
	     offset + count > addresses))
		run_note(run, RUN_OPAQUE, run_place(run));
	if (count > sizeof(write->bytes) / sizeof(write->bytes[0]) ||
	    count > MODEL_REGISTER_BYTES - (size_t)expr->source ||
	    run->now.writes == RUN_WRITES_MAX) {
		run_note(run, RUN_OPAQUE, run_place(run));
		return MODEL_CONTINUE;
	}
	run->now.writes++;
	*write = (struct run_write){ .base = base, .offset = offset, .count = count };
	memcpy(write->bytes, run->registers + expr->source, count * sizeof(struct byte));
	return MODEL_CONTINUE;
}

/* nft_notrack_eval(): not if there is a connection, or a template, already. */
enum model_verdict_code effect_notrack(struct run *run)
{
	if (run->now.tracking == RUN_NONE) {
		run->now.tracking = RUN_UNTRACKED;
		run_note(run, RUN_NOTRACK, 0);
	}
	return MODEL_CONTINUE;
}

/*
 * How many connections there are counts those in the table only (nf_conncount.c): untracked there
 * are none but this one, so that no limit is reached. Whether conntrack has seen this packet does
 * not matter: it is looked up.
 */
enum model_verdict_code effect_connlimit(struct run *run, bool over, uint64_t id)
{
	bool reached = false;

	run_ask(run);
	if (run->now.tracking == RUN_TRACKED ||
	    (run->now.tracking != RUN_UNTRACKED && !run->untrack))
		reached = run_assume(run, FACT_OVER, id);
	if (reached != over)
		return MODEL_BREAK;
	return MODEL_CONTINUE;
}

enum model_verdict_code effect_limit(struct run *run, uint64_t id)
{
	return run_assume(run, FACT_WITHIN_LIMIT, id) ? MODEL_CONTINUE : MODEL_BREAK;
}

enum model_verdict_code effect_object(struct run *run, const struct model_object *object)
{
	uint64_t id = (uint64_t)(uintptr_t)object;

	switch (object ? object->type : NFT_OBJECT_UNSPEC) {
	case NFT_OBJECT_COUNTER: return MODEL_CONTINUE;
	case NFT_OBJECT_QUOTA:
	case NFT_OBJECT_LIMIT:
		if (object->limits)
			run_note(run, RUN_USES_UP, id);
		return effect_limit(run, id ^ run_visit(run));
	case NFT_OBJECT_CONNLIMIT: return effect_connlimit(run, true, id);
	case NFT_OBJECT_SECMARK:
	case NFT_OBJECT_TUNNEL: run_note(run, RUN_CLASSIFY, id); return MODEL_CONTINUE;
	case NFT_OBJECT_SYNPROXY: return effect_elsewhere(run, MODEL_SYNPROXY, id);
	case NFT_OBJECT_CT_HELPER:
	case NFT_OBJECT_CT_TIMEOUT:
	case NFT_OBJECT_CT_EXPECT: break;
	default: run_note(run, RUN_OPAQUE, run_place(run)); return MODEL_CONTINUE;
	}
	run_ask(run);
	if (run->now.tracking == RUN_TRACKED)
		run_note(run,
			 object->type == NFT_OBJECT_CT_HELPER    ? RUN_HELPER
			 : object->type == NFT_OBJECT_CT_TIMEOUT ? RUN_TIMEOUT
								 : RUN_EXPECT,
			 id);
	return MODEL_CONTINUE;
}

enum model_verdict_code effect_reject(struct run *run, uint64_t how)
{
	run->now.told = how;
	return MODEL_DROP;
}

/* To which port NAT turns a packet: 0 if it keeps its own. */
static uint64_t port_of(const struct run *run, const struct model_expr *expr)
{
	uint8_t port[2];

	if (expr->source2 == MODEL_NO_REGISTER)
		return 0;
	if (expr->source2 > MODEL_REGISTER_BYTES - sizeof(port) ||
	    !bytes_known(run->world, run->registers + expr->source2, sizeof(port), port))
		return RUN_ANY_PORT;
	return (uint64_t)port[0] << 8 | port[1];
}

/* Whether it is known to turn it elsewhere. */
static bool goes_away(const struct run *run, const struct model_expr *expr)
{
	size_t count = run->packet->family == AF_INET ? 4 : 16;
	uint8_t address[16];

	/* MODEL_NO_REGISTER is too far, too. */
	return expr->kind == MODEL_NAT && expr->source <= MODEL_REGISTER_BYTES - count &&
	       bytes_known(run->world, run->registers + expr->source, count, address) &&
	       run_is_elsewhere(run, address);
}

enum model_verdict_code effect_translate(struct run *run, const struct model_expr *expr)
{
	enum run_effect_kind kind = RUN_MASQUERADE;

	if (expr->kind == MODEL_NAT)
		kind = expr->number[0] == NFT_NAT_SNAT ? RUN_SNAT : RUN_DNAT;
	else if (expr->kind == MODEL_REDIR)
		kind = RUN_REDIRECT;
	run_ask(run);
	run_note(run, kind, port_of(run, expr) | (goes_away(run, expr) ? RUN_AWAY : 0));
	return MODEL_ACCEPT;
}

/* TCP that a SYN proxy answers goes no further here; of other protocols it takes no note. */
static enum model_verdict_code synproxy(struct run *run, uint64_t detail)
{
	if (packet_proto(run->packet) != IPPROTO_TCP)
		return MODEL_BREAK;
	run_note(run, RUN_SYNPROXY, detail);
	return MODEL_STOLEN;
}

/* Only where a proxy listens, and of what has ports (nft_tproxy.c). */
static enum model_verdict_code tproxy(struct run *run, uint64_t detail)
{
	if (packet_is_error(run->packet) || !run_assume_flow(run, FACT_PROXY, detail))
		return MODEL_BREAK;
	run_note(run, RUN_TPROXY, detail);
	return MODEL_CONTINUE;
}

/*
 * What a program makes of the packet may depend on its mark, as it may mark it: so who goes there with another
 * one has met something else. It may also send it through the chain again (NF_REPEAT), for rules there
 * to see the mark; that is followed once for each rule, as a program that does it always would go round
 * for ever.
 */
static enum model_verdict_code queue(struct run *run, uint64_t detail)
{
	const uint64_t place = detail ^ (uint64_t)(uintptr_t)run->now.base;
	bool again = false;
	uint64_t id;

	for (size_t i = 0; i < run->now.effects; i++)
		again |= run->effect[i].kind == RUN_QUEUE &&
			 run->effect[i].rule == run->rule &&
			 run->effect[i].detail == place;
	id = place ^ run_note_mark(run, RUN_QUEUE, place);
	run_mark_anew(run, id, run->packet->kind);
	return !again && run_assume(run, FACT_REPEATED, id) ? MODEL_REPEAT : MODEL_ACCEPT;
}

enum model_verdict_code effect_elsewhere(struct run *run, enum model_kind kind,
					 uint64_t detail)
{
	switch (kind) {
	case MODEL_SYNPROXY: return synproxy(run, detail);
	case MODEL_QUEUE: return queue(run, detail);
	case MODEL_TPROXY: return tproxy(run, detail);
	case MODEL_DUP: run_note(run, RUN_COPY, detail); return MODEL_CONTINUE;
	case MODEL_FWD: run_note(run, RUN_FORWARD, detail); return MODEL_STOLEN;
	default: run_note(run, RUN_OPAQUE, run_place(run)); return MODEL_CONTINUE;
	}
}
