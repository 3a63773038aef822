/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BENCH_REPLAY_H
#define BENCH_REPLAY_H

#include "conntrack/forecast.h"
#include "conntrack/lifetimes.h"
#include "conntrack/outlook.h"
#include "tests/bench/simulator.h"

/* A watcher of a simulated table, as ctwatch does it: counts each 0.1 s, a reading each second. */
enum { REPLAY_POLL_STEPS = 10, REPLAY_READ_STEPS = 100 };

struct replay {
	struct forecast forecast;
	struct lifetimes lifetimes;
	struct outlook outlook;
	uint32_t sample_max; /* 0: unprivileged, no samples */
	bool sparing;     /* as ctwatch: seldom while little moves; else each reading */
	uint32_t sampled; /* entries at the last sample */
	uint32_t idle;    /* readings since then */
};

static inline uint64_t replay_now_ns(const struct sim *sim)
{
	return (uint64_t)((sim->now_s + 1000) * 1e9);
}

static inline void replay_add(const struct flow *flow, void *data)
{
	struct replay *replay = data;

	lifetimes_add(&replay->lifetimes, flow);
}

static inline void replay_sample(struct replay *replay, struct sim *sim)
{
	struct outlook_walk walk = { 0 };

	walk.counted = sim->count;
	lifetimes_begin(&replay->lifetimes, replay_now_ns(sim));
	walk.whole = sim_sample(sim, replay->sample_max, replay_add, replay);
	lifetimes_end(&replay->lifetimes);
	walk.live = replay->lifetimes.flows;
	walk.left = sim->count;
	walk.collected =
		forecast_note_walk(&replay->forecast, replay_now_ns(sim) + 1, sim->count);
	outlook_note(&replay->outlook, &replay->forecast, &replay->lifetimes, &walk,
		     sim->buckets);
}

/* A sample of 10 ms, by the shares of time of conntrack/sampler.c. */
static inline bool replay_is_due(struct replay *replay, const struct sim *sim)
{
	uint32_t moved = sim->count > replay->sampled ? sim->count - replay->sampled
						      : replay->sampled - sim->count;
	bool another = moved > 16 && moved > replay->sampled / 20;
	bool far = another && moved > sim->limit / 1000;

	replay->idle++;
	if (replay->sparing && replay->lifetimes.compared && !far &&
	    replay->idle < (another ? 2U : 10U))
		return false;
	replay->sampled = sim->count;
	replay->idle = 0;
	return true;
}

/* Call after each sim_step(). Returns whether there is a new reading: each second. */
static inline bool replay_step(struct replay *replay, struct sim *sim)
{
	if (sim->step % REPLAY_POLL_STEPS == 0)
		forecast_add(&replay->forecast, replay_now_ns(sim), sim->count);
	if (sim->step % REPLAY_READ_STEPS != 0)
		return false;
	if (replay->sample_max && replay_is_due(replay, sim))
		replay_sample(replay, sim);
	return true;
}

static inline struct outlook_result replay_ahead(const struct replay *replay,
						 const struct sim *sim)
{
	return outlook_ahead(&replay->outlook, &replay->forecast,
			     replay->sample_max ? &replay->lifetimes : NULL, sim->limit,
			     sim->buckets);
}

#endif
