// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/walk.h"
#include "rules/run.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_ipv4.h>
#include <stdlib.h>
#include <string.h>

#include "rules/evaluate.h"
#include "rules/record.h"

/* Where packets of each kind pass: enum run_hook, ended by HOOK_END. */
enum { HOOK_END = -1, HOOKS_MAX = 7 };
static const int WAYS[][HOOKS_MAX] = {
	[PACKET_ARRIVES] = { RUN_INGRESS, RUN_PREROUTING, RUN_INPUT, HOOK_END },
	[PACKET_LEAVES] = { RUN_OUTPUT, RUN_POSTROUTING, RUN_EGRESS, HOOK_END },
	[PACKET_LOOPS] = { RUN_OUTPUT, RUN_POSTROUTING, RUN_EGRESS, RUN_INGRESS,
			   RUN_PREROUTING, RUN_INPUT, HOOK_END },
};

static bool is_of_family(const struct model_chain *chain, int family)
{
	switch (chain->table->family) {
	case NFPROTO_INET:
	case NFPROTO_NETDEV: return true;
	case NFPROTO_IPV4: return family == 0;
	case NFPROTO_IPV6: return family == 1;
	default: return false;
	}
}

static int hook_of(const struct model_chain *chain)
{
	if (chain->table->family == NFPROTO_NETDEV)
		return chain->hook == NF_NETDEV_INGRESS ? RUN_INGRESS : RUN_EGRESS;
	switch (chain->hook) {
	case NF_INET_PRE_ROUTING: return RUN_PREROUTING;
	case NF_INET_LOCAL_IN: return RUN_INPUT;
	case NF_INET_LOCAL_OUT: return RUN_OUTPUT;
	case NF_INET_POST_ROUTING: return RUN_POSTROUTING;
	case NF_INET_INGRESS: return RUN_INGRESS;
	default: return HOOK_END;
	}
}

/* Of the same priority the one that was made last comes first (nf_hook_entries_grow()). */
static int by_priority(const void *a, const void *b)
{
	const struct model_chain *left = *(const struct model_chain *const *)a;
	const struct model_chain *right = *(const struct model_chain *const *)b;

	if (left->priority != right->priority)
		return left->priority < right->priority ? -1 : 1;
	return left->order > right->order ? -1 : 1;
}

static bool is_active(const struct model_chain *chain)
{
	return chain->base && !chain->table->dormant && !chain->table->ours;
}

int walk_prepare(struct model *model, struct walk_order *out)
{
	*out = (struct walk_order){ 0 };
	for (int family = 0; family < WALK_FAMILIES; family++) {
		for (int hook = 0; hook < WALK_HOOKS; hook++) {
			size_t count = 0;
			const struct model_chain **list = arena_take(
				&model->arena,
				model->chain_count * sizeof(struct model_chain *) + 1);

			if (!list)
				return -ENOMEM;
			for (const struct model_chain *chain = model->chains; chain;
			     chain = chain->next)
				if (is_active(chain) && is_of_family(chain, family) &&
				    hook_of(chain) == hook)
					list[count++] = chain;
			qsort(list, count, sizeof(struct model_chain *), by_priority);
			out->chains[family][hook] = list;
			out->count[family][hook] = count;
		}
	}
	return 0;
}

static void note_answer(struct run *run, const struct model_rule *rule, bool matched)
{
	if (run->answers == RUN_ANSWERS_MAX) {
		run->world->spent = true;
		return;
	}
	run->answer[run->answers++] = (struct run_answer){ rule, run->base, matched };
}

static bool does_something(const struct model_rule *rule)
{
	return rule->effects & ~(unsigned)MODEL_ASKS_CT;
}

static struct model_verdict walk_rule(struct run *run, const struct model_rule *rule)
{
	struct model_verdict verdict = { .code = MODEL_CONTINUE };
	const struct model_expr *expr = rule->exprs;

	if (!does_something(rule) || !world_spend(run->world, 1))
		return verdict;
	run->rule = rule;
	run->rule_asked = false;
	run->expr = 0;
	for (; expr && verdict.code == MODEL_CONTINUE; expr = expr->next) {
		run->expr++;
		verdict = evaluate(run, expr);
		run->rejects =
			expr->kind != MODEL_IMMEDIATE && expr->kind != MODEL_LOOKUP;
	}
	if (run->rule_asked)
		note_answer(run, rule, verdict.code != MODEL_BREAK);
	record_rule(run->record, run, rule, verdict.code != MODEL_BREAK);
	if (verdict.code == MODEL_BREAK)
		verdict.code = MODEL_CONTINUE;
	return verdict;
}

/* Where a jump comes back to. */
struct frame {
	const struct model_rule *next;
};

/* The chain of a jump or goto; a verdict that cannot be followed is not understood. */
static bool follow(struct run *run, const struct model_verdict *verdict,
		   const struct model_rule **next)
{
	if (verdict->code == MODEL_STRANGE || !verdict->chain) {
		run_ask(run);
		run_note(run, RUN_OPAQUE, run_place(run));
		return false;
	}
	*next = verdict->chain->rules;
	return true;
}

/* Returns MODEL_ACCEPT, MODEL_DROP or MODEL_STOLEN; MODEL_CONTINUE at the end of the chain. */
static enum model_verdict_code walk_chain(struct run *run,
					  const struct model_chain *chain)
{
	struct frame stack[RUN_DEPTH_MAX];
	const struct model_rule *rule = chain->rules;
	size_t depth = 0;

	while (!run->world->spent) {
		const struct model_rule *next;
		struct model_verdict verdict;

		while (!rule && depth > 0)
			rule = stack[--depth].next;
		if (!rule)
			return MODEL_CONTINUE;
		next = rule->next;
		verdict = walk_rule(run, rule);
		switch (verdict.code) {
		case MODEL_ACCEPT:
		case MODEL_DROP:
		case MODEL_STOLEN: run->decider = rule; return verdict.code;
		case MODEL_QUEUED:
			run_note(run, RUN_QUEUE, 0);
			run->decider = rule;
			return MODEL_ACCEPT;
		case MODEL_RETURN: rule = NULL; break;
		case MODEL_JUMP:
			if (depth == RUN_DEPTH_MAX) {
				run->world->spent = true;
				break;
			}
			stack[depth++].next = next;
			if (follow(run, &verdict, &next))
				rule = next;
			else
				rule = stack[--depth].next;
			break;
		case MODEL_GOTO: rule = follow(run, &verdict, &next) ? next : NULL; break;
		case MODEL_STRANGE: follow(run, &verdict, &next); return MODEL_DROP;
		default: rule = next; break;
		}
	}
	return MODEL_CONTINUE;
}

/* Whether packets on this way pass a device that the chain is for. */
static bool is_on_device(struct run *run, const struct model_chain *chain)
{
	struct byte name[MODEL_DEVICE_BYTES];

	if (chain->devices == 0)
		return true;
	bytes_put_symbol(name, sizeof(name) / sizeof(name[0]),
			 packet_symbol(run->packet, run->world,
				       run->hook == RUN_INGRESS ? PACKET_IN_NAME
								: PACKET_OUT_NAME));
	for (size_t i = 0; i < chain->devices; i++)
		if (bytes_equal(run->world, name, MODEL_DEVICE_BYTES, chain->device[i]))
			return true;
	return false;
}

/* Returns whether the packet goes on. */
static bool walk_base(struct run *run, const struct model_chain *chain)
{
	const unsigned matters = MODEL_CHANGES | MODEL_REFUSES | MODEL_TRANSLATES;
	enum model_verdict_code code;

	if (!chain->drops && !(chain->effects & matters))
		return true;
	run->base = chain;
	if (!is_on_device(run, chain))
		return true;
	run->decider = NULL;
	run->rejects = false;
	code = walk_chain(run, chain);
	if (code == MODEL_CONTINUE)
		code = chain->drops ? MODEL_DROP : MODEL_ACCEPT;
	if (code == MODEL_ACCEPT)
		return true;
	run->fate = RUN_DROPPED;
	if (code == MODEL_STOLEN)
		run->fate = RUN_TAKEN;
	else if (run->decider && run->rejects)
		run->fate = RUN_REJECTED;
	return false;
}

static bool is_translated(const struct run *run)
{
	for (size_t i = 0; i < run->effects; i++)
		if (run->effect[i].kind <= RUN_REDIRECT)
			return true;
	return false;
}

/*
 * nf_nat_inet_fn(): only the first packet of a connection, and each kind of translation only once:
 * on loopback that of the destination in output, that of the source in postrouting.
 */
static bool walk_nat(struct run *run, const struct model_chain *const *chains,
		     size_t count)
{
	bool again = run->packet->loopback &&
		     (run->hook == RUN_PREROUTING || run->hook == RUN_INPUT);

	if (again || run->tracking != RUN_TRACKED ||
	    run_state(run) != NF_CT_STATE_BIT(IP_CT_NEW))
		return true;
	for (size_t i = 0; i < count; i++) {
		if (chains[i]->type != MODEL_TYPE_NAT)
			continue;
		if (chains[i]->drops || chains[i]->effects)
			run_ask(run);
		if (!walk_base(run, chains[i]))
			return false;
		/* What becomes of it then is not followed: it is a difference already. */
		if (is_translated(run)) {
			run->fate = RUN_TAKEN;
			return false;
		}
	}
	return true;
}

/* What is done in a hook beside rules, at a priority. */
enum station { STATION_OURS, STATION_CONNTRACK, STATION_NAT, STATIONS };

static int32_t station_priority(const struct run *run, enum station station)
{
	switch (station) {
	case STATION_OURS: return NF_IP_PRI_RAW;
	case STATION_CONNTRACK: return NF_IP_PRI_CONNTRACK;
	default:
		return run->hook == RUN_PREROUTING || run->hook == RUN_OUTPUT
			       ? NF_IP_PRI_NAT_DST
			       : NF_IP_PRI_NAT_SRC;
	}
}

/* nf_conntrack_in(): an error belongs to the connection of the packet that it is about. */
static void track(struct run *run)
{
	if (run->tracking != RUN_NONE && run->tracking != RUN_TEMPLATE)
		return;
	if (packet_is_error(run->packet) && (run->untrack || !run_was_tracked(run)))
		run->tracking = RUN_NONE;
	else
		run->tracking = RUN_TRACKED;
}

static bool pass_station(struct run *run, enum station station,
			 const struct model_chain *const *chains, size_t count)
{
	bool first = run->hook == RUN_PREROUTING || run->hook == RUN_OUTPUT;

	switch (station) {
	case STATION_OURS:
		if (first && run->untrack && run->tracking == RUN_NONE &&
		    !packet_is_error(run->packet) && !run->packet->astray)
			run->tracking = RUN_UNTRACKED;
		return true;
	case STATION_CONNTRACK:
		if (first)
			track(run);
		return true;
	default: return walk_nat(run, chains, count);
	}
}

static bool has_stations(const struct run *run)
{
	return run->hook != RUN_INGRESS && run->hook != RUN_EGRESS;
}

static bool walk_hook(struct run *run, const struct model_chain *const *chains,
		      size_t count)
{
	int station = has_stations(run) ? STATION_OURS : STATIONS;

	for (size_t i = 0; i <= count; i++) {
		if (i < count && chains[i]->type == MODEL_TYPE_NAT)
			continue;
		while (station < STATIONS &&
		       (i == count || station_priority(run, (enum station)station) <=
					      chains[i]->priority))
			if (!pass_station(run, (enum station)station++, chains, count))
				return false;
		if (i < count && !walk_base(run, chains[i]))
			return false;
	}
	return true;
}

static void begin(struct run *run)
{
	struct run fresh = { .world = run->world,
			     .model = run->model,
			     .packet = run->packet,
			     .untrack = run->untrack,
			     .record = run->record,
			     .fate = RUN_DELIVERED };
	const struct world_key mark = { PACKET_META, NFT_META_MARK, 0, PACKET_KINDS };
	const struct world_key ct_mark = { PACKET_CT, NFT_CT_MARK, 0, PACKET_KINDS };

	/* A packet that arrives has no mark; a socket may give what it sends one. */
	if (packet_way(run->packet) != PACKET_ARRIVES)
		bytes_put_host_symbol(fresh.mark, sizeof(uint32_t),
				      world_symbol(run->world, &mark, 4, NULL));
	if (run->model->marks_ct && run->packet->kind != PACKET_REQUEST)
		bytes_put_host_symbol(fresh.ct_mark, sizeof(uint32_t),
				      world_symbol(run->world, &ct_mark, 4, NULL));
	*run = fresh;
}

void walk(struct run *run, const struct walk_order *order)
{
	int family = run->packet->family == AF_INET ? 0 : 1;

	begin(run);
	for (const int *hook = WAYS[packet_way(run->packet)]; *hook != HOOK_END; hook++) {
		run->hook = (enum run_hook) * hook;
		if (!walk_hook(run, order->chains[family][*hook],
			       order->count[family][*hook]))
			return;
	}
}
