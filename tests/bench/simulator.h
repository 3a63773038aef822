/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BENCH_SIMULATOR_H
#define BENCH_SIMULATOR_H

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <math.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "conntrack/flow.h"

/*
 * The life of a conntrack table, entry by entry, in steps of 10 ms and from a seed: who comes,
 * is refreshed and expires, and when the kernel collects what expired, as kernel 6.18 does it
 * (net/netfilter/nf_conntrack_core.c: look-ups collect what they meet in their bucket;
 * gc_worker runs each 1 to 60 s, as long as entries have to live on the average).
 */
enum sim_kind {
	SIM_ONESHOT,  /* UDP, one datagram: 30 s */
	SIM_ANSWERED, /* UDP, a question and its answer: 30 s */
	SIM_SESSION,  /* UDP both ways for some seconds, then 120 s */
	SIM_ONEWAY,   /* UDP, a datagram every few seconds for ever */
	SIM_SHORT,    /* TCP connections for some seconds, then 120 s in TIME_WAIT */
	SIM_LASTING,  /* TCP connections that stay */
	SIM_KINDS,
};

/* Flows of a kind that come at a rate that goes from..to in ramp_s, on and off by turns. */
struct sim_source {
	enum sim_kind kind;
	double start_s, end_s;
	double from, to;    /* a second */
	double ramp_s;      /* 0: at once */
	bool approaches;    /* like 1 - exp(-t / ramp_s), not in a straight line */
	double stair_s;     /* above 0: it climbs at the end of each, not meanwhile */
	double on_s, off_s; /* off_s 0: always on */
	double stay_s;      /* sessions, connections: how long they last, mean */
	double timeout_s;   /* one-shot and answered ones: 0: 30 s */
};

enum {
	SIM_STEP_MS = 10,
	SIM_WHEEL = 16384, /* steps: 163 s */
	SIM_SOURCES = 4,
	SIM_GC_PER_S = 64000,
};

struct sim_flow {
	uint32_t id;    /* 0: free */
	uint32_t next;  /* in its slot of the wheel, + 1 */
	uint32_t other; /* where in the order of the table its answers' bucket is */
	enum sim_kind kind;
	bool expired;
	bool replied, assured;
	uint8_t tcp_state;
	float deadline_s, ends_s, event_s;
};

struct sim {
	uint64_t random;
	double now_s;
	uint32_t step;
	uint32_t limit, buckets;
	uint32_t count; /* as the kernel counts: live and expired */
	uint32_t peak;
	double full_at_s; /* INFINITY: not so far */
	uint32_t last_id;
	size_t capacity;
	struct sim_flow *flow;
	uint32_t *expired; /* indices of flow */
	uint32_t expired_count;
	uint32_t *wheel; /* index + 1 of the first flow, by step */
	double gc_at_s;
	bool gc_runs;
	double gc_whole, gc_left,
		gc_seen;     /* expired: at its start, to collect, a step ago */
	double walk_every_s; /* another program dumps some table that often; 0: none does */
	double walk_at_s;
	double restless, restless_until_s, mood;
	size_t sources;
	struct sim_source source[SIM_SOURCES];
};

/* xorshift64*: 0 to 1 */
static inline double sim_chance(struct sim *sim)
{
	sim->random ^= sim->random >> 12;
	sim->random ^= sim->random << 25;
	sim->random ^= sim->random >> 27;
	return (double)((sim->random * 2685821657736338717ULL) >> 11) /
	       9007199254740992.0;
}

static inline void sim_open(struct sim *sim, uint64_t seed, uint32_t limit,
			    double gc_at_s)
{
	memset(sim, 0, sizeof(*sim));
	sim->random = seed * 2862933555777941757ULL + 3037000493ULL;
	sim->limit = limit;
	sim->buckets = limit;
	sim->capacity = 2 * (size_t)limit;
	sim->flow = calloc(sim->capacity, sizeof(*sim->flow));
	sim->expired = calloc(sim->capacity, sizeof(*sim->expired));
	sim->wheel = calloc(SIM_WHEEL, sizeof(*sim->wheel));
	sim->full_at_s = INFINITY;
	sim->gc_at_s = gc_at_s;
	for (int i = 0; i < 10; i++)
		sim_chance(sim);
}

static inline void sim_close(struct sim *sim)
{
	free(sim->flow);
	free(sim->expired);
	free(sim->wheel);
}

static inline void sim_schedule(struct sim *sim, uint32_t i, double at_s)
{
	double steps = ceil((at_s - sim->now_s) * 1000 / SIM_STEP_MS);
	uint32_t slot;

	steps = fmin(fmax(steps, 1), SIM_WHEEL - 1);
	slot = (sim->step + (uint32_t)steps) % SIM_WHEEL;
	sim->flow[i].event_s = (float)at_s;
	sim->flow[i].next = sim->wheel[slot];
	sim->wheel[slot] = i + 1;
}

/* What happens to it next: a packet of its own, the end of its connection, or that it expires. */
static inline void sim_plan(struct sim *sim, uint32_t i)
{
	struct sim_flow *flow = &sim->flow[i];

	switch (flow->kind) {
	case SIM_ONEWAY:
	case SIM_SESSION:
		if (sim->now_s < flow->ends_s) {
			sim_schedule(sim, i, sim->now_s + 1 + 8 * sim_chance(sim));
			return;
		}
		break;
	case SIM_SHORT:
		if (flow->tcp_state == TCP_CONNTRACK_ESTABLISHED) {
			sim_schedule(sim, i, flow->ends_s);
			return;
		}
		break;
	case SIM_LASTING: return;
	default: break;
	}
	sim_schedule(sim, i, flow->deadline_s);
}

static inline void sim_arrive(struct sim *sim, const struct sim_source *source)
{
	struct sim_flow *flow;
	uint32_t i;

	if (sim->count >= sim->limit && isinf(sim->full_at_s))
		sim->full_at_s = sim->now_s;
	if (sim->count >= sim->capacity * 3 / 4)
		return;
	do {
		i = (uint32_t)(sim_chance(sim) * (double)sim->capacity);
	} while (sim->flow[i].id);
	flow = &sim->flow[i];
	*flow = (struct sim_flow){ .id = ++sim->last_id, .kind = source->kind };
	flow->other = (uint32_t)(flow->id * 2246822519ULL % sim->capacity);
	flow->deadline_s =
		(float)(sim->now_s + (source->timeout_s > 0 ? source->timeout_s : 30));
	flow->ends_s = (float)(sim->now_s - source->stay_s * log(1 - sim_chance(sim)));
	flow->replied = source->kind != SIM_ONESHOT && source->kind != SIM_ONEWAY;
	if (source->kind == SIM_ONEWAY)
		flow->ends_s = INFINITY;
	if (source->kind == SIM_SHORT || source->kind == SIM_LASTING) {
		flow->assured = true;
		flow->tcp_state = TCP_CONNTRACK_ESTABLISHED;
		flow->deadline_s = (float)(sim->now_s + 432000);
	}
	sim->count++;
	if (sim->count > sim->peak)
		sim->peak = sim->count;
	sim_plan(sim, i);
}

static inline void sim_event(struct sim *sim, uint32_t i)
{
	struct sim_flow *flow = &sim->flow[i];

	if (flow->event_s > sim->now_s + 0.5 * SIM_STEP_MS / 1000) {
		sim_schedule(sim, i, flow->event_s);
		return;
	}
	if (flow->kind == SIM_SHORT && flow->tcp_state == TCP_CONNTRACK_ESTABLISHED) {
		flow->tcp_state = TCP_CONNTRACK_TIME_WAIT;
		flow->deadline_s = (float)(sim->now_s + 120);
	} else if (flow->event_s < flow->deadline_s) {
		flow->assured = flow->assured || flow->kind == SIM_SESSION;
		flow->deadline_s = (float)(sim->now_s + (flow->assured ? 120 : 30));
	} else {
		flow->expired = true;
		sim->expired[sim->expired_count++] = i;
		return;
	}
	sim_plan(sim, i);
}

static inline void sim_collect(struct sim *sim, double wanted)
{
	uint32_t whole = (uint32_t)wanted;

	whole += sim_chance(sim) < wanted - whole;
	while (whole-- > 0 && sim->expired_count > 0) {
		uint32_t k = (uint32_t)(sim_chance(sim) * sim->expired_count);

		sim->flow[sim->expired[k]].id = 0;
		sim->expired[k] = sim->expired[--sim->expired_count];
		sim->count--;
	}
}

/* When gc_worker runs next: the running mean of what its entries have to live, in whole ticks. */
static inline double sim_gc_interval_s(struct sim *sim)
{
	enum { HZ = 250, MOST = 60 * HZ };
	uint32_t live = sim->count - sim->expired_count;
	uint32_t met = live < MOST ? 2 * live : 2 * MOST;
	long mean = MOST;

	for (uint32_t i = 1; i <= met; i++) {
		const struct sim_flow *flow;

		do {
			flow = &sim->flow[(uint32_t)(sim_chance(sim) *
						     (double)sim->capacity)];
		} while (!flow->id || flow->expired);
		mean += ((long)(HZ * fmin(fmax(flow->deadline_s - sim->now_s, 1), 300)) -
			 mean) /
			(long)(100 + i);
	}
	return fmin(fmax((double)mean / HZ, 1), 60);
}

/*
 * One pass over the table, which leaves what expires behind its back; the next begins the interval
 * after this one began.
 */
static inline void sim_gc(struct sim *sim)
{
	double chunk = SIM_GC_PER_S * SIM_STEP_MS / 1000.0;

	if (!sim->gc_runs && sim->now_s < sim->gc_at_s)
		return;
	if (!sim->gc_runs) {
		sim->gc_at_s = sim->now_s + sim_gc_interval_s(sim);
		sim->gc_whole = sim->gc_left = sim->expired_count;
		sim->gc_seen = sim->expired_count;
	}
	sim->gc_runs = true;
	if (sim->gc_whole > 0 && sim->expired_count > sim->gc_seen)
		sim->gc_left += (sim->expired_count - sim->gc_seen) * sim->gc_left /
				sim->gc_whole;
	chunk = fmin(chunk, sim->gc_left);
	sim_collect(sim, chunk);
	sim->gc_left -= chunk;
	sim->gc_seen = sim->expired_count;
	sim->gc_runs = sim->gc_left > 0.5;
}

/* A dump of all entries, be it of another namespace's: the hash is one. */
static inline void sim_walk(struct sim *sim)
{
	if (sim->walk_every_s <= 0 || sim->now_s < sim->walk_at_s)
		return;
	sim_collect(sim, sim->expired_count);
	sim->walk_at_s = sim->now_s + sim->walk_every_s * (0.5 + sim_chance(sim));
}

static inline double sim_rate(const struct sim *sim, const struct sim_source *source)
{
	double t = sim->now_s - source->start_s;
	double part = 1;

	if (t < 0 || sim->now_s >= source->end_s)
		return 0;
	if (source->off_s > 0 && fmod(t, source->on_s + source->off_s) >= source->on_s)
		return 0;
	if (source->stair_s > 0)
		t = floor(t / source->stair_s + 1) * source->stair_s;
	if (source->ramp_s > 0)
		part = source->approaches ? 1 - exp(-t / source->ramp_s)
					  : fmin(1, t / source->ramp_s);
	return source->from + (source->to - source->from) * part;
}

/* From now on all come as they come at this moment. */
static inline void sim_freeze(struct sim *sim)
{
	for (size_t s = 0; s < sim->sources; s++) {
		struct sim_source *source = &sim->source[s];
		double rate = sim_rate(sim, source);

		*source = (struct sim_source){
			.kind = source->kind,
			.end_s = INFINITY,
			.to = rate,
			.stay_s = source->stay_s,
			.timeout_s = source->timeout_s,
		};
	}
}

/* How many of a random process with that mean: Poisson, for large means the normal one. */
static inline uint32_t sim_draw(struct sim *sim, double mean)
{
	double product, least = exp(-mean);
	uint32_t n = 0;

	if (mean > 30) {
		double normal = 0;

		for (int i = 0; i < 12; i++)
			normal += sim_chance(sim) - 0.5;
		return (uint32_t)fmax(0, mean + normal * sqrt(mean) + 0.5);
	}
	for (product = sim_chance(sim); product > least; product *= sim_chance(sim))
		n++;
	return n;
}

/* One step on. */
static inline void sim_step(struct sim *sim)
{
	uint32_t arrived = 0, i;

	sim->step++;
	sim->now_s = sim->step * (SIM_STEP_MS / 1000.0);
	/* Senders are never even: the scheduler gives and takes. */
	if (sim->now_s >= sim->restless_until_s) {
		sim->mood = 1 + sim->restless * (2 * sim_chance(sim) - 1);
		sim->restless_until_s = sim->now_s + 0.2 * sim_chance(sim);
	}
	for (size_t s = 0; s < sim->sources; s++) {
		double mean =
			sim_rate(sim, &sim->source[s]) * sim->mood * SIM_STEP_MS / 1000;
		uint32_t n = sim_draw(sim, mean);

		for (uint32_t k = 0; k < n; k++)
			sim_arrive(sim, &sim->source[s]);
		arrived += n;
	}
	i = sim->wheel[sim->step % SIM_WHEEL];
	sim->wheel[sim->step % SIM_WHEEL] = 0;
	while (i) {
		uint32_t next = sim->flow[i - 1].next;

		sim_event(sim, i - 1);
		i = next;
	}
	sim_collect(sim, 2.0 * arrived * sim->expired_count / sim->buckets);
	sim_gc(sim);
	sim_walk(sim);
}

/*
 * A sample of max flows, in the order of the table; what is expired on the way is collected, be it in the
 * bucket of its answers. Returns whether these were all.
 */
static inline bool sim_sample(struct sim *sim, uint32_t max,
			      void (*add)(const struct flow *flow, void *data),
			      void *data)
{
	uint32_t seen = 0;
	size_t i, kept = 0;

	for (i = 0; i < sim->capacity && seen < max; i++) {
		const struct sim_flow *from = &sim->flow[i];
		struct flow flow = { .family = AF_INET, .proto = IPPROTO_UDP };

		if (!from->id || from->expired)
			continue;
		flow.id = from->id * 2654435761U;
		flow.tcp_state = from->tcp_state;
		if (from->tcp_state)
			flow.proto = IPPROTO_TCP;
		flow.status = (from->replied ? IPS_SEEN_REPLY : 0) |
			      (from->assured ? IPS_ASSURED : 0);
		flow.timeout_s = (uint32_t)fmax(0, from->deadline_s - sim->now_s);
		add(&flow, data);
		seen++;
	}
	for (uint32_t k = 0; k < sim->expired_count; k++) {
		struct sim_flow *flow = &sim->flow[sim->expired[k]];

		if (sim->expired[k] < i || flow->other < i) {
			flow->id = 0;
			sim->count--;
		} else {
			sim->expired[kept++] = sim->expired[k];
		}
	}
	sim->expired_count = (uint32_t)kept;
	return i == sim->capacity;
}

#endif
