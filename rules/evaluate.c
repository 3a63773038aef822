// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/evaluate.h"
#include "rules/run.h"

#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "rules/effect.h"
#include "rules/extension.h"
#include "rules/load.h"
#include "rules/lookup.h"
#include "rules/relevance.h"
#include "rules/target.h"

/* What a fact is about. */
enum { FACT_OPAQUE = 0x60, FACT_FULL };

/* The detail of a change: of what a map has for the key, not of the key. No set has that address. */
enum { DATA_OF_SET = 1 };

static enum model_verdict_code when(bool matches)
{
	return matches ? MODEL_CONTINUE : MODEL_BREAK;
}

static size_t room(uint8_t at)
{
	return MODEL_REGISTER_BYTES - (size_t)at;
}

/* Something of which only is known that it matches or not. */
static enum model_verdict_code guess(struct run *run)
{
	run_ask(run);
	run_note(run, RUN_OPAQUE, run_place(run));
	return when(run_assume(run, FACT_OPAQUE, run_place(run)));
}

static enum model_verdict_code compare(struct run *run, const struct model_expr *expr)
{
	static const uint8_t LEAST[MODEL_REGISTER_BYTES];
	const struct byte *bytes = run->registers + expr->source;
	const uint8_t *value = expr->value.at;
	uint8_t most[MODEL_REGISTER_BYTES];
	size_t count = expr->value.bytes;

	if (count > room(expr->source))
		return guess(run);
	/* nft_cmp_eval() compares with memcmp(), whatever the order of the bytes. */
	memset(most, 0xff, sizeof(most));
	switch (expr->number[0]) {
	case NFT_CMP_EQ: return when(bytes_equal(run->world, bytes, count, value));
	case NFT_CMP_NEQ: return when(!bytes_equal(run->world, bytes, count, value));
	case NFT_CMP_LTE:
		return when(bytes_within(run->world, bytes, count, LEAST, value));
	case NFT_CMP_GT:
		return when(!bytes_within(run->world, bytes, count, LEAST, value));
	case NFT_CMP_GTE:
		return when(bytes_within(run->world, bytes, count, value, most));
	case NFT_CMP_LT:
		return when(!bytes_within(run->world, bytes, count, value, most));
	default: return guess(run);
	}
}

static enum model_verdict_code range(struct run *run, const struct model_expr *expr)
{
	size_t count = expr->value.bytes;

	if (count > room(expr->source) || expr->number[0] > NFT_RANGE_NEQ)
		return guess(run);
	return when(bytes_within(run->world, run->registers + expr->source, count,
				 expr->value.at,
				 expr->value2.at) == (expr->number[0] == NFT_RANGE_EQ));
}

/* A result that is not worked out: the same whenever it is made of the same. */
static void put_derived(struct run *run, const struct model_expr *expr, size_t count)
{
	uint64_t digest = bytes_digest(run->world, run->registers + expr->source, count);
	struct world_key key = { PACKET_OTHER, (uint32_t)digest, (uint32_t)(digest >> 32),
				 run->packet->kind };
	uint64_t place = run_place(run);

	/* The same shift in another rule is taken for another: that only asks more. */
	key.a ^= (uint32_t)place;
	key.b ^= (uint32_t)(place >> 32);
	for (size_t at = 0; at < count; at += RANGES_BYTES_MAX, key.c += 0x100) {
		size_t part =
			count - at < RANGES_BYTES_MAX ? count - at : RANGES_BYTES_MAX;

		bytes_put_symbol(run->registers + expr->to + at, part,
				 world_symbol(run->world, &key, part, NULL));
	}
}

static enum model_verdict_code bitwise(struct run *run, const struct model_expr *expr)
{
	size_t count = expr->number[0];
	const struct byte *from = run->registers + expr->source;
	struct byte *to = run->registers + expr->to;

	if (count > room(expr->source) || count > room(expr->to))
		return guess(run);
	/* Shifts are not worked out bit by bit. */
	if (expr->number[1] != NFT_BITWISE_BOOL) {
		put_derived(run, expr, count);
		return MODEL_CONTINUE;
	}
	if (expr->value.bytes != count || expr->value2.bytes != count)
		return guess(run);
	for (size_t i = 0; i < count; i++) {
		uint8_t mask = expr->value.at[i];
		struct byte byte = from[i];

		byte.value = (uint8_t)((byte.value & mask) ^ expr->value2.at[i]);
		byte.mask &= mask;
		/* Of which no bit is left, that is known. */
		byte.is_symbol = byte.is_symbol && byte.mask;
		to[i] = byte;
	}
	return MODEL_CONTINUE;
}

static enum model_verdict_code byteorder(struct run *run, const struct model_expr *expr)
{
	size_t count = expr->number[1], size = expr->number[2];
	struct byte bytes[MODEL_REGISTER_BYTES];

	if (count > room(expr->source) || count > room(expr->to))
		return guess(run);
	memcpy(bytes, run->registers + expr->source, count * sizeof(*bytes));
	bytes_swap(bytes, count, size);
	memcpy(run->registers + expr->to, bytes, count * sizeof(*bytes));
	return MODEL_CONTINUE;
}

static struct model_verdict immediate(struct run *run, const struct model_expr *expr)
{
	size_t count = expr->value.bytes;

	if (expr->is_verdict)
		return expr->verdict;
	if (count <= room(expr->to)) {
		bytes_put_known(run->registers + expr->to, count, expr->value.at);
		/* The rest of the last word is zero, as nft_data_copy() leaves it. */
		for (size_t i = count; i % 4 && expr->to + i < MODEL_REGISTER_BYTES; i++)
			run->registers[expr->to + i] = (struct byte){ 0 };
	}
	return (struct model_verdict){ .code = MODEL_CONTINUE };
}

static enum model_verdict_code objref(struct run *run, const struct model_expr *expr)
{
	const struct model_elem *elem = NULL;

	if (expr->source == MODEL_NO_REGISTER)
		return effect_object(run, expr->named);
	/* What such a map does besides with an element is not followed here. */
	if (!expr->set || expr->set->statements)
		return guess(run);
	switch (lookup_find(run, expr->set, run->registers + expr->source, &elem)) {
	case LOOKUP_NONE: return MODEL_BREAK;
	case LOOKUP_FOUND: break;
	case LOOKUP_OPAQUE: return guess(run);
	}
	return effect_object(run, elem ? elem->named : NULL);
}

static enum model_verdict_code get_or_set(struct run *run, const struct model_expr *expr)
{
	bool set = expr->source != MODEL_NO_REGISTER;

	switch (expr->kind) {
	case MODEL_META:
		return set ? effect_meta_set(run, expr) : when(load_meta(run, expr));
	case MODEL_CT: return set ? effect_ct_set(run, expr) : when(load_ct(run, expr));
	case MODEL_PAYLOAD:
		return set ? effect_payload_set(run, expr)
			   : when(load_payload(run, expr));
	default: break;
	}
	/* Without a register the option is made to be none, of what has one (nft_exthdr.c). */
	if (!set && expr->to == MODEL_NO_REGISTER) {
		if (packet_proto(run->packet) != IPPROTO_TCP)
			return MODEL_BREAK;
		run_note(run, RUN_REWRITE, run_place(run));
		return MODEL_CONTINUE;
	}
	if (!set)
		return when(load_exthdr(run, expr));
	run_note_value(run, RUN_REWRITE, run_place(run), expr->source, expr->number[2]);
	return MODEL_CONTINUE;
}

/* Where the packet, or a copy, goes: what registers say, beside the number that is in the rule. */
static uint64_t destination(const struct run *run, const struct model_expr *expr)
{
	const size_t address = run->packet->family == AF_INET ? 4 : 16;
	const size_t number = expr->kind == MODEL_QUEUE || expr->kind == MODEL_TPROXY
				      ? sizeof(uint16_t)
				      : sizeof(uint32_t);
	uint64_t state = expr->number[0];

	/*
	 * dup and tproxy have the address in their first register, fwd has the device
	 * there.
	 */
	if (expr->source != MODEL_NO_REGISTER)
		state ^= run_digest(run, expr->source,
				    expr->kind == MODEL_QUEUE || expr->kind == MODEL_FWD
					    ? number
					    : address);
	if (expr->source2 != MODEL_NO_REGISTER)
		state ^= run_digest(run, expr->source2,
				    expr->kind == MODEL_FWD ? address : number) *
			 3;
	return state;
}

/* What a packet takes of a limit, or counts, is not there for others, or for it if it comes again. */
static void note_use(struct run *run, const struct model_expr *expr)
{
	if (expr->shares)
		run_note(run, RUN_USES_UP, run_place(run));
}

/* Expressions with a verdict that needs no more than its code. */
static enum model_verdict_code evaluate_simple(struct run *run,
					       const struct model_expr *expr)
{
	switch (expr->kind) {
	case MODEL_BITWISE: return bitwise(run, expr);
	case MODEL_BYTEORDER: return byteorder(run, expr);
	case MODEL_CMP: return compare(run, expr);
	case MODEL_RANGE: return range(run, expr);
	case MODEL_CT:
	case MODEL_EXTHDR:
	case MODEL_META:
	case MODEL_PAYLOAD: return get_or_set(run, expr);
	case MODEL_FIB: return when(load_fib(run, expr));
	case MODEL_HASH:
	case MODEL_NUMGEN: note_use(run, expr); return when(load_number(run, expr));
	case MODEL_OSF:
	case MODEL_RT:
	case MODEL_SOCKET:
	case MODEL_TUNNEL:
	case MODEL_XFRM: return when(load_other(run, expr));
	case MODEL_COUNTER:
	case MODEL_LAST:
	case MODEL_LOG: return MODEL_CONTINUE;
	case MODEL_LIMIT:
	case MODEL_QUOTA: note_use(run, expr); return effect_limit(run, run_visit(run));
	case MODEL_CONNLIMIT:
		return effect_connlimit(run, expr->number[1] & NFT_CONNLIMIT_F_INV,
					run_place(run));
	case MODEL_NOTRACK: return effect_notrack(run);
	case MODEL_MASQ:
	case MODEL_NAT:
	case MODEL_REDIR: return effect_translate(run, expr);
	case MODEL_DUP:
	case MODEL_FWD:
	case MODEL_QUEUE:
	case MODEL_SYNPROXY:
	case MODEL_TPROXY:
		return effect_elsewhere(run, expr->kind, destination(run, expr));
	case MODEL_OBJREF: return objref(run, expr);
	case MODEL_FLOW_OFFLOAD:
		run_ask(run);
		/* nft_flow_offload_eval(): without a connection nothing is offloaded. */
		if (run->now.tracking == RUN_TRACKED)
			run_note(run, RUN_OFFLOAD, 0);
		return MODEL_CONTINUE;
	case MODEL_REJECT:
		/* Never what xtables' REJECT has, which is a number of 32 bits. */
		return effect_reject(run, (uint64_t)(expr->number[0] + 1) << 32 |
						  expr->number[1]);
	default: return guess(run);
	}
}

/* What an expression does with the element of a set: each in a place of its own. */
static enum model_verdict_code evaluate_nested(struct run *run,
					       const struct model_expr *expr)
{
	enum model_verdict_code code = MODEL_CONTINUE;
	const struct model_expr *nested = model_nested(expr);

	for (unsigned i = 1; nested && code == MODEL_CONTINUE; nested = nested->next) {
		run->expr += i << 8;
		code = evaluate_simple(run, nested);
		run->expr -= i++ << 8;
	}
	return code;
}

/* nft_lookup_eval(): what is done with an element that is found may keep the rule from matching. */
static struct model_verdict lookup(struct run *run, const struct model_expr *expr)
{
	const struct model_elem *elem = NULL;
	struct model_verdict next = { .code = MODEL_BREAK };
	enum lookup_result found = LOOKUP_OPAQUE;

	if (expr->set)
		found = lookup_find(run, expr->set, run->registers + expr->source, &elem);
	if (found == LOOKUP_OPAQUE) {
		next.code = guess(run);
		return next;
	}
	if ((found == LOOKUP_FOUND) == (expr->number[0] & NFT_LOOKUP_F_INV))
		return next;
	if (found == LOOKUP_FOUND && expr->set->limits)
		run_note(run, RUN_USES_UP, (uint64_t)(uintptr_t)expr->set);
	next.code = found == LOOKUP_FOUND ? evaluate_nested(run, expr) : MODEL_CONTINUE;
	if (next.code != MODEL_CONTINUE)
		return next;
	if (expr->to == MODEL_VERDICT_REGISTER && elem)
		return elem->verdict;
	if (expr->to < MODEL_REGISTER_BYTES && elem &&
	    elem->value.bytes <= room(expr->to))
		bytes_put_known(run->registers + expr->to, elem->value.bytes,
				elem->value.at);
	return next;
}

/*
 * Whether the set has no room for another element. Asked only where that is another case than that of a
 * limit which is nested in it, and where the rule goes on.
 */
static bool is_full(struct run *run, const struct model_expr *expr)
{
	const struct model_expr *nested = expr->nested;

	while (nested && nested->kind == MODEL_COUNTER)
		nested = nested->next;
	return expr->number[0] != NFT_DYNSET_OP_DELETE && expr->next && !nested &&
	       run_assume_flow(run, FACT_FULL, (uint64_t)(uintptr_t)expr->set);
}

/*
 * Puts the packet's key into the set. If that is all that the rule does to the set, one that does it to untracked packets
 * is as good: operation and timeout are then part of what it is done with.
 */
static void note_change(struct run *run, const struct model_expr *expr)
{
	struct run_effect *effect = &run->effect[run->now.effects];
	const size_t before = run->now.effects;

	run_note_value(run, RUN_SET_CHANGE, (uint64_t)(uintptr_t)expr->set, expr->source,
		       expr->set ? expr->set->key_bytes : 0);
	if (run->now.effects == before || expr->number[0] == NFT_DYNSET_OP_DELETE ||
	    expr->source2 != MODEL_NO_REGISTER || expr->nested)
		return;
	effect->of_any = true;
	effect->value += expr->number[0];
	for (size_t i = 0; i < expr->value.bytes; i++)
		effect->value = effect->value * 257 + expr->value.at[i];
}

/*
 * nft_dynset_eval(): the element is made or found, then what is nested in it is evaluated; if the set
 * is full the rule does not match, or, inverted, only then.
 */
static enum model_verdict_code dynset(struct run *run, const struct model_expr *expr)
{
	bool inverted = expr->number[1] & NFT_DYNSET_F_INV;
	enum model_verdict_code code;

	if (is_full(run, expr))
		return when(inverted);
	note_change(run, expr);
	if (expr->source2 != MODEL_NO_REGISTER)
		run_note_value(run, RUN_SET_CHANGE, DATA_OF_SET, expr->source2,
			       sizeof(uint32_t));
	code = evaluate_nested(run, expr);
	return code == MODEL_CONTINUE ? when(!inverted) : code;
}

struct model_verdict evaluate(struct run *run, const struct model_expr *expr)
{
	if (relevance_is_none(run, expr))
		return (struct model_verdict){ .code = MODEL_BREAK };
	switch (expr->kind) {
	case MODEL_IMMEDIATE: return immediate(run, expr);
	case MODEL_LOOKUP: return lookup(run, expr);
	case MODEL_MATCH:
		return (struct model_verdict){ .code = extension_match(run, expr) };
	case MODEL_TARGET:
		return (struct model_verdict){ .code = target_evaluate(run, expr) };
	case MODEL_DYNSET: return (struct model_verdict){ .code = dynset(run, expr) };
	default: return (struct model_verdict){ .code = evaluate_simple(run, expr) };
	}
}
