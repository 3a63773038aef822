// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/lifetimes.h"

#include <math.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "conntrack/flow.h"
#include "lib/clock.h"

/* Over which the movements between kinds are smoothed. */
static const double MEMORY_S = 15;

/* Timeouts come in whole seconds: a later deadline than this was moved. */
static const double ROUNDING_S = 1.5;

enum { KIND_UNREPLIED, KIND_REPLIED, KIND_ASSURED, KIND_OTHER, KIND_TCP };

static uint8_t kind_of(const struct flow *flow)
{
	if (flow->proto == IPPROTO_TCP)
		return flow->tcp_state < LIFETIMES_KINDS - KIND_TCP
			       ? (uint8_t)(KIND_TCP + flow->tcp_state)
			       : KIND_OTHER;
	if (flow->proto != IPPROTO_UDP)
		return KIND_OTHER;
	if (flow_assured(flow))
		return KIND_ASSURED;
	return flow_replied(flow) ? KIND_REPLIED : KIND_UNREPLIED;
}

void lifetimes_restart(struct lifetimes *l)
{
	memset(l, 0, sizeof(*l));
}

void lifetimes_begin(struct lifetimes *l, uint64_t now_ns)
{
	if (l->taken_ns && now_ns <= l->taken_ns)
		lifetimes_restart(l);
	l->elapsed_s = l->taken_ns ? clock_between_s(l->taken_ns, now_ns) : 0;
	l->taken_ns = now_ns;
	l->flows = 0;
	/* No more than there are: pages that nobody needs stay untouched. */
	memcpy(l->before.flow, l->panel.flow, l->panel.count * sizeof(l->panel.flow[0]));
	l->before.count = l->panel.count;
	l->panel.count = 0;
	memset(l->expiring, 0, sizeof(l->expiring));
	for (size_t i = 0; i < LIFETIMES_KINDS; i++)
		l->kind[i].flows = l->kind[i].longest_s = l->kind[i].longest =
			l->kind[i].shorter = 0;
}

/* One more flow of that kind. */
static void note_rest(struct lifetimes_kind *kind, uint32_t rest_s)
{
	kind->flows++;
	if (rest_s > kind->longest_s) {
		kind->shorter = rest_s == kind->longest_s + 1 ? kind->longest : 0;
		kind->longest = 0;
		kind->longest_s = rest_s;
	}
	kind->longest += rest_s == kind->longest_s;
	kind->shorter += rest_s + 1 == kind->longest_s;
}

/*
 * What remains is rounded down, so a timeout is a second more than the longest; but for those few that came
 * in this very moment, to which all of it does.
 */
static double timeout_of(const struct lifetimes_kind *kind)
{
	enum { FEW = 4 };

	if (kind->flows == 0)
		return 0;
	return fmax(kind->timeout_s,
		    kind->longest_s + (kind->longest >= kind->shorter / FEW));
}

void lifetimes_add(struct lifetimes *l, const struct flow *flow)
{
	struct lifetimes_kind *kind = &l->kind[kind_of(flow)];
	double rest_s = flow->timeout_s;

	l->flows++;
	note_rest(kind, flow->timeout_s);
	if (rest_s < LIFETIMES_LONGEST_S)
		l->expiring[flow->timeout_s]++;
	if (l->panel.count == LIFETIMES_PANEL)
		return;
	l->panel.flow[l->panel.count] = (struct lifetimes_flow){
		.id = flow->id,
		.rank = (uint32_t)l->panel.count,
		.deadline_s = (double)l->taken_ns / 1e9 + rest_s,
		.kind = kind_of(flow),
	};
	l->panel.count++;
}

static int compare_ids(const void *left, const void *right)
{
	const struct lifetimes_flow *a = left, *b = right;

	return (a->id > b->id) - (a->id < b->id);
}

/* What moved from one sample to the next, in flows. */
struct moves {
	uint32_t last; /* rank of the last that was met again */
	double fresh; /* came, by those not met before up to there: behind it the slice may only
			 have grown */
	double stayed[LIFETIMES_KINDS];
};

/* The flow, met again: what has become of it. */
static void meet(struct lifetimes *l, struct lifetimes_flow *flow,
		 const struct lifetimes_flow *past, struct moves *moves)
{
	double rest_s;

	if (flow->rank > moves->last)
		moves->last = flow->rank;
	if (flow->kind != past->kind) {
		moves->stayed[flow->kind]++;
		if (!past->kept)
			moves->stayed[past->kind]--;
		return;
	}
	flow->kept = past->kept || flow->deadline_s > past->deadline_s + ROUNDING_S;
	if (!flow->kept) {
		/* Rounded anew each time: the earliest is nearest to the truth. */
		flow->deadline_s = fmin(flow->deadline_s, past->deadline_s);
		return;
	}
	if (!past->kept)
		moves->stayed[flow->kind]--;
	/* Long without a packet: it has ended, and will expire. */
	rest_s = flow->deadline_s - (double)l->taken_ns / 1e9;
	if (rest_s < l->kind[flow->kind].timeout_s / 2) {
		flow->kept = false;
		moves->stayed[flow->kind]++;
	}
}

/* Both panels are in the order of ids. */
static void compare_panels(struct lifetimes *l, struct moves *moves,
			   bool is_known[LIFETIMES_PANEL])
{
	bool met = false;
	size_t j = 0;

	for (size_t i = 0; i < l->panel.count; i++) {
		struct lifetimes_flow *flow = &l->panel.flow[i];

		while (j < l->before.count && l->before.flow[j].id < flow->id)
			j++;
		is_known[i] = j < l->before.count && l->before.flow[j].id == flow->id;
		if (is_known[i])
			meet(l, flow, &l->before.flow[j], moves);
		met |= is_known[i];
	}
	for (size_t i = 0; i < l->panel.count; i++) {
		const struct lifetimes_flow *flow = &l->panel.flow[i];

		double timeout_s = l->kind[flow->kind].timeout_s, unseen;

		if (is_known[i] || flow->rank > moves->last)
			continue;
		/* Of those that live shorter than from sample to sample most have gone again. */
		unseen = l->elapsed_s / fmin(l->elapsed_s, timeout_s);
		moves->fresh += unseen;
		moves->stayed[flow->kind] += unseen;
	}
}

/* A smoothed rate with one more measurement: of amount in the last elapsed_s. */
static double smoothed(const struct lifetimes *l, double rate, double amount, double keep)
{
	return (rate * l->weight_s * keep + amount) / (l->weight_s * keep + l->elapsed_s);
}

/* Smooths what moved, for each flow of the slice that both samples have in common. */
static void learn(struct lifetimes *l, const struct moves *moves)
{
	double slice = moves->last + 1.0;
	double keep = exp(-l->elapsed_s / MEMORY_S);

	l->arrived = moves->fresh / slice;
	l->came = smoothed(l, l->came, l->arrived, keep);
	for (size_t i = 0; i < LIFETIMES_KINDS; i++)
		l->kind[i].stayed =
			smoothed(l, l->kind[i].stayed, moves->stayed[i] / slice, keep);
	l->weight_s = l->weight_s * keep + l->elapsed_s;
}

/* By one sample alone: as if the table were steady, and each kind came as often as it leaves. */
static void guess(struct lifetimes *l)
{
	l->came = 0;
	for (size_t i = 0; i < LIFETIMES_KINDS; i++) {
		struct lifetimes_kind *kind = &l->kind[i];

		/* Where there are flows timeout_of() is 1 at least. */
		kind->stayed = kind->flows ? kind->flows / kind->timeout_s / l->flows : 0;
		l->came += kind->stayed;
	}
}

/* Who is kept by packets does not expire when its timeout says. */
static void spare_kept(struct lifetimes *l)
{
	double now_s = (double)l->taken_ns / 1e9;

	for (size_t i = 0; i < l->panel.count; i++) {
		const struct lifetimes_flow *flow = &l->panel.flow[i];
		double rest_s = flow->deadline_s - now_s;

		if (!flow->kept || rest_s >= LIFETIMES_LONGEST_S || rest_s < 0)
			continue;
		l->expiring[(size_t)rest_s] = fmax(0, l->expiring[(size_t)rest_s] - 1);
	}
}

void lifetimes_end(struct lifetimes *l)
{
	bool is_known[LIFETIMES_PANEL];
	struct moves moves = { 0 };

	qsort(l->panel.flow, l->panel.count, sizeof(l->panel.flow[0]), compare_ids);
	for (size_t i = 0; i < LIFETIMES_KINDS; i++)
		l->kind[i].timeout_s = timeout_of(&l->kind[i]);
	l->compared = l->elapsed_s > 0 && l->before.count > 0;
	if (!l->compared) {
		if (l->weight_s <= 0)
			guess(l);
		return;
	}
	compare_panels(l, &moves, is_known);
	learn(l, &moves);
	spare_kept(l);
}
