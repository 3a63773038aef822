// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/course.h"
#include "rules/run.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <stdlib.h>

#include "rules/arena.h"
#include "rules/model.h"
#include "rules/packet.h"

/*
 * Where packets of each kind pass: enum run_hook, ended by HOOK_END. Without the hook of what is
 * forwarded: such packets are only followed for NAT, and there is none of it there.
 */
enum { HOOK_END = -1, HOOKS_MAX = 7 };
static const int WAYS[COURSE_WAYS][HOOKS_MAX] = {
	[PACKET_ARRIVES] = { RUN_INGRESS, RUN_PREROUTING, RUN_INPUT, HOOK_END },
	[PACKET_PASSES] = { RUN_INGRESS, RUN_PREROUTING, RUN_POSTROUTING, RUN_EGRESS,
			    HOOK_END },
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

/* Both are chains in a place of their own: ours, too, if it is there already. */
static bool are_chains(const struct course_stop *a, const struct course_stop *b)
{
	return a->chain && b->chain && a->kind != COURSE_NAT && b->kind != COURSE_NAT;
}

/*
 * Of the same priority the one that was made last comes first (nf_hook_entries_grow()), as ours will be if it is
 * not there yet. NAT's chains are in one place of the hook, in their own order (nf_nat_core.c).
 */
static int by_priority(const void *a, const void *b)
{
	const struct course_stop *left = a, *right = b;

	if (left->priority != right->priority)
		return left->priority < right->priority ? -1 : 1;
	if (left->kind != right->kind && !are_chains(left, right))
		return left->kind < right->kind ? -1 : 1;
	if (!left->chain || !right->chain)
		return 0;
	if (left->chain->priority != right->chain->priority)
		return left->chain->priority < right->chain->priority ? -1 : 1;
	return left->chain->order > right->chain->order ? -1 : 1;
}

static bool is_active(const struct model_chain *chain)
{
	return chain->base && !chain->table->dormant && !chain->ours;
}

/* The one of ours that is at that hook already, or NULL. */
static const struct model_chain *find_ours(const struct model *model, int hook)
{
	const struct model_chain *chain = model->chains;

	while (chain && !(chain->base && chain->ours && hook_of(chain) == hook))
		chain = chain->next;
	return chain;
}

static int64_t nat_priority(int hook)
{
	return hook == RUN_PREROUTING || hook == RUN_OUTPUT ? NF_IP_PRI_NAT_DST
							    : NF_IP_PRI_NAT_SRC;
}

/* Adds the stops of a hook, in order. Returns how many. */
static size_t put_hook(const struct model *model, int family, int hook,
		       struct course_stop *stops)
{
	size_t count = 0;

	if (hook == RUN_PREROUTING || hook == RUN_OUTPUT) {
		stops[count++] = (struct course_stop){ COURSE_OURS, hook, NF_IP_PRI_RAW,
						       find_ours(model, hook) };
		stops[count++] = (struct course_stop){ COURSE_CONNTRACK, hook,
						       NF_IP_PRI_CONNTRACK, NULL };
	}
	for (const struct model_chain *chain = model->chains; chain;
	     chain = chain->next) {
		bool nat = chain->type == MODEL_TYPE_NAT;

		if (!is_active(chain) || !is_of_family(chain, family) ||
		    hook_of(chain) != hook)
			continue;
		stops[count++] = (struct course_stop){
			.kind = nat ? COURSE_NAT : COURSE_CHAIN,
			.hook = hook,
			.priority = nat ? nat_priority(hook) : chain->priority,
			.chain = chain,
		};
	}
	qsort(stops, count, sizeof(*stops), by_priority);
	return count;
}

static size_t up_to_translation(const struct course_stop *stops, size_t count)
{
	while (count > 0 && !(stops[count - 1].chain &&
			      stops[count - 1].chain->effects & MODEL_TRANSLATES))
		count--;
	return count;
}

int course_plan(const struct model *model, struct arena *arena, struct course *out)
{
	/* Of ours and conntrack one each at a hook; no way meets a chain twice. */
	size_t most = 2 * HOOKS_MAX;

	for (const struct model_chain *chain = model->chains; chain; chain = chain->next)
		most += is_active(chain);
	*out = (struct course){ 0 };
	for (int family = 0; family < COURSE_FAMILIES; family++) {
		for (int way = 0; way < COURSE_WAYS; way++) {
			size_t count = 0;
			struct course_stop *stops =
				arena_take(arena, most * sizeof(*stops));

			if (!stops)
				return -ENOMEM;
			for (const int *hook = WAYS[way]; *hook != HOOK_END; hook++)
				count += put_hook(model, family, *hook, stops + count);
			out->stops[family][way] = stops;
			out->count[family][way] = count;
			out->translating[family][way] = up_to_translation(stops, count);
		}
	}
	return 0;
}

bool course_is_preceded(const struct course *course)
{
	for (int i = 0; i < COURSE_FAMILIES * COURSE_WAYS; i++) {
		const struct course_stop *stops =
			course->stops[i / COURSE_WAYS][i % COURSE_WAYS];
		size_t count = course->count[i / COURSE_WAYS][i % COURSE_WAYS];

		for (size_t j = 1; j < count; j++)
			if (stops[j].kind == COURSE_OURS && stops[j].chain &&
			    stops[j - 1].hook == stops[j].hook &&
			    stops[j - 1].priority == stops[j].priority)
				return true;
	}
	return false;
}

/* Where ours is not there yet it will be the first. */
static bool is_same_place(const struct course_stop *a, const struct course_stop *b)
{
	if (a->hook != b->hook || a->priority != b->priority ||
	    (a->kind == COURSE_OURS && !a->chain))
		return false;
	if (a->kind == COURSE_NAT || b->kind == COURSE_NAT)
		return a->kind == b->kind && a->chain->priority == b->chain->priority;
	return true;
}

/* Within a table the last that was made is the first, all the same. Conntrack's own hook has no chain. */
static int by_table(const void *a, const void *b)
{
	const struct model_chain *left = ((const struct course_stop *)a)->chain;
	const struct model_chain *right = ((const struct course_stop *)b)->chain;

	if (!left || !right)
		return left ? -1 : 1;
	if (left->table == right->table)
		return left->order > right->order ? -1 : 1;
	return left->order < right->order ? -1 : 1;
}

/* Who does something there: a table, or conntrack; NULL: nobody. */
static const void *owner_of(const struct course_stop *stop)
{
	if (stop->kind == COURSE_CONNTRACK)
		return stop;
	return stop->kind == COURSE_OURS || model_matters(stop->chain)
		       ? stop->chain->table
		       : NULL;
}

/* Whether what is in the same place, which several have made, has an effect. */
static bool is_contested(const struct course_stop *stops, size_t count)
{
	const void *first = NULL;

	for (size_t i = 0; i < count; i++) {
		const void *owner = count > 1 ? owner_of(&stops[i]) : NULL;

		if (first && owner && owner != first)
			return true;
		first = first ? first : owner;
	}
	return false;
}

bool course_turn(struct course *course)
{
	bool turned = false;

	for (int i = 0; i < COURSE_FAMILIES * COURSE_WAYS; i++) {
		struct course_stop *stops =
			course->stops[i / COURSE_WAYS][i % COURSE_WAYS];
		size_t count = course->count[i / COURSE_WAYS][i % COURSE_WAYS];

		for (size_t first = 0, next; first < count; first = next) {
			next = first + 1;
			while (next < count && is_same_place(&stops[first], &stops[next]))
				next++;
			if (!is_contested(stops + first, next - first))
				continue;
			qsort(stops + first, next - first, sizeof(*stops), by_table);
			turned = true;
		}
		course->translating[i / COURSE_WAYS][i % COURSE_WAYS] =
			up_to_translation(stops, count);
	}
	return turned;
}
