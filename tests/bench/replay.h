/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BENCH_REPLAY_H
#define BENCH_REPLAY_H

#include "conntrack/forecast.h"
#include "conntrack/lifetimes.h"
#include "conntrack/outlook.h"
#include "tests/bench/simulator.h"

/* A watcher of a simulated table, as ctwatch does it: counts each 0.1 s, samples each second. */
enum { REPLAY_POLL_STEPS = 10, REPLAY_SAMPLE_STEPS = 100 };

struct replay {
	struct forecast forecast;
	struct lifetimes lifetimes;
	struct outlook outlook;
	uint32_t sample_max; /* 0: unprivileged, no samples */
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

/* Call after each sim_step(). Returns whether there is a new reading: each second. */
static inline bool replay_step(struct replay *replay, struct sim *sim)
{
	if (sim->step % REPLAY_POLL_STEPS == 0)
		forecast_add(&replay->forecast, replay_now_ns(sim), sim->count);
	if (sim->step % REPLAY_SAMPLE_STEPS != 0)
		return false;
	if (replay->sample_max) {
		uint32_t count = sim->count;

		lifetimes_begin(&replay->lifetimes, replay_now_ns(sim));
		sim_sample(sim, replay->sample_max, replay_add, replay);
		lifetimes_end(&replay->lifetimes);
		outlook_note(&replay->outlook, &replay->forecast, &replay->lifetimes,
			     count, sim->buckets);
	}
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
