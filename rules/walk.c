// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/walk.h"
#include "rules/run.h"

#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "rules/course.h"
#include "rules/effect.h"
#include "rules/evaluate.h"
#include "rules/record.h"
#include "rules/surroundings.h"

/* What a fact is about. */
enum { FACT_ON_DEVICE = 0xc0 };

static void note_answer(struct run *run, const struct model_rule *rule, bool matched)
{
	if (run->now.answers == RUN_ANSWERS_MAX) {
		run->world->spent = true;
		return;
	}
	run->answer[run->now.answers++] =
		(struct run_answer){ rule, run->now.base, matched };
}

/* One that only asks for the state and does nothing fares alike, whatever the answer */
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
		/* A drop as a verdict is silent; another expression's is a reject. */
		run->rejects =
			expr->kind != MODEL_IMMEDIATE && expr->kind != MODEL_LOOKUP;
	}
	if (verdict.code == MODEL_QUEUED)
		verdict.code = effect_elsewhere(run, MODEL_QUEUE, 0);
	if (run->rule_asked)
		note_answer(run, rule, verdict.code != MODEL_BREAK);
	record_rule(run->record, run, rule, verdict.code != MODEL_BREAK);
	if (verdict.code == MODEL_BREAK)
		verdict.code = MODEL_CONTINUE;
	return verdict;
}

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

/* As deep as the kernel lets them go (NFT_JUMP_STACK_SIZE) */
static bool push(struct run *run, const struct model_rule *next)
{
	if (run->now.depth == RUN_DEPTH_MAX) {
		run->world->spent = true;
		return false;
	}
	run->now.stack[run->now.depth++] = next;
	return true;
}

/* Where to go on after a rule with that verdict; false if it ends the base chain. */
static bool proceed(struct run *run, const struct model_rule *rule,
		    const struct model_verdict *verdict)
{
	const struct model_rule **next = &run->now.rule;

	*next = rule->next;
	switch (verdict->code) {
	case MODEL_RETURN: *next = NULL; return true;
	case MODEL_JUMP: return !push(run, *next) || follow(run, verdict, next) || true;
	case MODEL_GOTO:
		if (!follow(run, verdict, next))
			*next = NULL;
		return true;
	case MODEL_REPEAT:
		*next = run->now.base->rules;
		run->now.depth = 0;
		return true;
	case MODEL_CONTINUE:
	case MODEL_BREAK: return true;
	default: return false;
	}
}

/* Whether of the choices from number from on, before to, one can still be made otherwise. */
static bool has_choice(const struct world *world, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++)
		if (world->choice[i].taken + 1 < world->choice[i].options)
			return true;
	return false;
}

/* Keeps the state before something was chosen, to go back to; not those that nobody will. */
static void keep(struct run *run, const struct world_point *point,
		 const struct run_state *state)
{
	const struct world *world = run->world;
	const struct run_save *last = &run->save[run->saves - 1];

	if (!has_choice(world, point->at, world->at) || point->at == last->point.at)
		return;
	/* Nothing is left to choose between that and this: nobody will go back to it. */
	while (run->saves > 1 && !has_choice(world, last->point.at, point->at)) {
		run->saves--;
		last--;
	}
	if (run->saves < RUN_SAVES_MAX)
		run->save[run->saves++] = (struct run_save){ *point, *state };
}

/* One rule. Returns MODEL_CONTINUE, or what ended the base chain. */
static enum model_verdict_code step(struct run *run)
{
	const struct run_state before = run->now;
	const struct world_point point = world_point(run->world);
	const struct model_rule *rule = run->now.rule;
	struct model_verdict verdict = walk_rule(run, rule);

	keep(run, &point, &before);
	if (proceed(run, rule, &verdict))
		return MODEL_CONTINUE;
	run->now.decider = rule;
	if (verdict.code == MODEL_STRANGE) {
		follow(run, &verdict, &rule);
		return MODEL_DROP;
	}
	return verdict.code;
}

/* Returns MODEL_ACCEPT, MODEL_DROP or MODEL_STOLEN; MODEL_CONTINUE at the end of the chain. */
static enum model_verdict_code walk_chain(struct run *run)
{
	enum model_verdict_code code = MODEL_CONTINUE;

	while (code == MODEL_CONTINUE && !run->world->spent) {
		while (!run->now.rule && run->now.depth > 0)
			run->now.rule = run->now.stack[--run->now.depth];
		if (!run->now.rule)
			break;
		code = step(run);
	}
	return code;
}

/* Whether packets on this way pass a device that the chain is for. */
static bool is_on_device(struct run *run, const struct model_chain *chain)
{
	struct byte name[MODEL_DEVICE_BYTES];

	if (chain->devices == 0)
		return true;
	bytes_put_symbol(
		name, MODEL_DEVICE_BYTES,
		packet_symbol(run->packet, run->world,
			      run_interface(run, run->now.hook == RUN_INGRESS, true)));
	for (size_t i = 0; i < chain->devices; i++) {
		const struct model_device *device = &chain->device[i];

		if (device->bytes
			    ? bytes_equal(run->world, name, device->bytes, device->name)
			    : run_assume_flow(run, FACT_ON_DEVICE,
					      (uint64_t)(uintptr_t)device))
			return true;
	}
	return false;
}

/* Goes into a base chain, unless that can have no effect. */
static void enter_chain(struct run *run, const struct model_chain *chain)
{
	if (!model_matters(chain))
		return;
	run->now.base = chain;
	if (!is_on_device(run, chain))
		return;
	run->now.decider = NULL;
	run->rejects = false;
	run->now.rule = chain->rules;
	run->now.depth = 0;
	run->now.in_chain = true;
}

/* The kinds of NAT are the first of enum run_effect_kind */
static bool is_translated(const struct run *run)
{
	for (size_t i = 0; i < run->now.effects; i++)
		if (run->effect[i].kind <= RUN_REDIRECT)
			return true;
	return false;
}

/*
 * nf_nat_inet_fn(): only the first packet of a connection, and each kind of translation only once:
 * on loopback that of the destination in output, that of the source in postrouting.
 */
static void enter_nat(struct run *run, const struct model_chain *chain)
{
	bool again = run->packet->loopback &&
		     (run->now.hook == RUN_PREROUTING || run->now.hook == RUN_INPUT);

	if (again || run->now.tracking != RUN_TRACKED || !run_is_first(run))
		return;
	if (chain->drops || chain->effects)
		run_ask(run);
	enter_chain(run, chain);
}

/* nf_conntrack_in(): an error belongs to the connection of the packet that it is about. */
static void track(struct run *run)
{
	if (run->now.tracking != RUN_NONE && run->now.tracking != RUN_TEMPLATE)
		return;
	if (run->past == RUN_STRANGE) {
		/* A template is taken off before the packet is found to be invalid. */
		run->now.tracking = RUN_NONE;
		return;
	}
	if (packet_is_error(run->packet) && (run->untrack || !run_was_tracked(run)))
		run->now.tracking = RUN_NONE;
	else
		run->now.tracking = RUN_TRACKED;
}

static void enter(struct run *run, const struct course_stop *stop)
{
	switch (stop->kind) {
	case COURSE_OURS:
		/* Our maps have no ICMP, and nothing that is yet for somebody else. */
		if (run->untrack && run->now.tracking == RUN_NONE &&
		    !packet_is_error(run->packet) && !run->packet->astray)
			run->now.tracking = RUN_UNTRACKED;
		break;
	case COURSE_CONNTRACK: track(run); break;
	case COURSE_NAT: enter_nat(run, stop->chain); break;
	case COURSE_CHAIN: enter_chain(run, stop->chain); break;
	}
}

static enum run_fate fate_of(const struct run *run, const struct model_chain *chain,
			     enum model_verdict_code code)
{
	if (code == MODEL_CONTINUE)
		code = chain->drops ? MODEL_DROP : MODEL_ACCEPT;
	if (code == MODEL_STOLEN)
		return RUN_TAKEN;
	/*
	 * What becomes of it when it is translated is not followed: it is a difference already. Only
	 * of what passes it is asked whether this host gives it its address at the end.
	 */
	if (code == MODEL_ACCEPT)
		return is_translated(run) && !run->packet->passing ? RUN_TAKEN
								   : RUN_DELIVERED;
	if (run->now.decider && run->rejects)
		return RUN_REJECTED;
	return packet_way(run->packet) == PACKET_LOOPS &&
			       (run->now.hook == RUN_OUTPUT ||
				run->now.hook == RUN_POSTROUTING)
		       ? RUN_FORBIDDEN
		       : RUN_DROPPED;
}

/* The packet is routed when it has passed these hooks: what its mark is then is what counts. */
static void note_routing(struct run *run)
{
	if (run->now.hook == RUN_PREROUTING)
		memcpy(run->now.routed[RUN_ROUTED_IN], run->now.mark,
		       sizeof(run->now.mark));
	else if (run->now.hook == RUN_OUTPUT)
		memcpy(run->now.routed[RUN_ROUTED_OUT], run->now.mark,
		       sizeof(run->now.mark));
}

/*
 * On from where the run is, at the beginning of a rule: what registers held is of no use, and may be of
 * another case.
 */
static void go_on(struct run *run, const struct course *order)
{
	int family = run->packet->family == AF_INET ? 0 : 1;
	enum packet_way way = packet_way(run->packet);
	const struct course_stop *stops = order->stops[family][way];
	size_t count = run->packet->astray || run->packet->passing
			       ? order->translating[family][way]
			       : order->count[family][way];

	memset(run->registers, 0, sizeof(run->registers));
	while (run->now.stop < count && !run->world->spent) {
		const struct course_stop *stop = &stops[run->now.stop];

		if (!run->now.in_chain) {
			const struct run_state before = run->now;
			const struct world_point point = world_point(run->world);

			run->now.hook = (enum run_hook)stop->hook;
			enter(run, stop);
			keep(run, &point, &before);
		}
		if (run->now.in_chain) {
			run->now.fate = fate_of(run, stop->chain, walk_chain(run));
			run->now.in_chain = false;
			if (run->now.fate != RUN_DELIVERED)
				return;
		}
		note_routing(run);
		run->now.stop++;
	}
}

/*
 * A packet that arrives has no mark, unless it comes out of a tunnel; a socket may give what it sends one. Clients here
 * that do so with what they ask the service are looked at by themselves.
 */
static bool may_be_marked(const struct packet *packet)
{
	switch (packet_way(packet)) {
	case PACKET_LEAVES: return true;
	case PACKET_ARRIVES: return packet->host->tunnels;
	case PACKET_LOOPS:
		return packet->marked || packet->astray || packet_is_error(packet) ||
		       !packet_is_request(packet);
	default: return false;
	}
}

void walk(struct run *run, const struct course *order)
{
	static const struct range ANY_MARK = { { 0, 1 }, { 0, UINT32_MAX } };
	const struct ranges marks = { &ANY_MARK, 1 };
	const struct world_key mark = { PACKET_META, NFT_META_MARK,
					packet_way(run->packet) == PACKET_ARRIVES,
					PACKET_KINDS };
	const struct world_key ct_mark = { PACKET_CT, NFT_CT_MARK,
					   run->packet->kind == PACKET_REQUEST,
					   PACKET_KINDS };
	struct run_state *now = &run->now;

	*now = (struct run_state){ .fate = RUN_DELIVERED };
	run->saves = 1;
	if (may_be_marked(run->packet))
		bytes_put_host_symbol(now->mark, sizeof(uint32_t),
				      world_symbol(run->world, &mark, 4,
						   run->packet->marked ? &marks : NULL));
	/*
	 * One that was expected has the mark of the connection that it was expected for, and one that is sent again that
	 * which the first was given.
	 */
	if (run->model->marks_ct && (run->past == RUN_SEEN || run->model->expects))
		bytes_put_host_symbol(now->ct_mark, sizeof(uint32_t),
				      world_symbol(run->world, &ct_mark, 4, NULL));
	/* These symbols stay: choices come later. */
	run->save[0] = (struct run_save){ world_point(run->world), *now };
	go_on(run, order);
}

bool walk_again(struct run *run, const struct course *order)
{
	const struct run_save *save;
	unsigned which;

	if (run->world->spent || !world_flip(run->world, run->save[0].point.at, &which)) {
		world_return(run->world, &run->save[0].point);
		return false;
	}
	while (run->saves > 1 && run->save[run->saves - 1].point.at > which)
		run->saves--;
	save = &run->save[run->saves - 1];
	world_return(run->world, &save->point);
	run->now = save->state;
	go_on(run, order);
	return true;
}
