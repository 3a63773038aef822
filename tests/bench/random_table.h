/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BENCH_RANDOM_TABLE_H
#define BENCH_RANDOM_TABLE_H

#include "tests/bench/simulator.h"

/* What a random table is like; several may be true. */
enum random_traits {
	RANDOM_RAMP =
		1 << 0, /* a rate that grows: in a line, in stairs, or towards a level */
	RANDOM_ENDS = 1 << 1,   /* a source that ends */
	RANDOM_BURSTS = 1 << 2, /* one that goes on and off */
	RANDOM_DUMPS = 1 << 3,  /* others dump tables meanwhile */
};

/* A source at random: what it would settle at is up to about share of the limit. */
static inline struct sim_source random_source(struct sim *sim, double share,
					      unsigned int allowed, unsigned int *traits)
{
	static const double LIFE_S[SIM_KINDS] = { 30, 30, 130, 600, 130, 600 };
	struct sim_source source = { .kind = (enum sim_kind)(sim_chance(sim) *
							     SIM_KINDS) };
	double life_s = LIFE_S[source.kind];

	if (life_s <= 30 && sim_chance(sim) < 0.5)
		source.timeout_s = life_s = 2 + (int)(58 * sim_chance(sim));
	source.stay_s = 1 + 8 * sim_chance(sim);
	source.start_s = 20 * sim_chance(sim);
	source.end_s = 1e9;
	source.to = share * sim->limit * sim_chance(sim) / life_s;
	if (sim_chance(sim) < 0.3 && (allowed & RANDOM_RAMP)) {
		source.ramp_s = 60 * sim_chance(sim);
		source.approaches = sim_chance(sim) < 0.3;
		source.stair_s = sim_chance(sim) < 0.3 ? 10 * sim_chance(sim) : 0;
		*traits |= RANDOM_RAMP;
	}
	if (sim_chance(sim) < 0.2 && (allowed & RANDOM_ENDS)) {
		source.end_s = source.start_s + 60 * sim_chance(sim);
		*traits |= RANDOM_ENDS;
	}
	if (sim_chance(sim) < 0.15 && (allowed & RANDOM_BURSTS)) {
		source.on_s = 1 + 9 * sim_chance(sim);
		source.off_s = 1 + 19 * sim_chance(sim);
		*traits |= RANDOM_BURSTS;
	}
	return source;
}

/*
 * Opens a table at random, with up to three sources, which may have these traits. Returns those that it
 * has. Close it with sim_close().
 */
static inline unsigned int random_table(struct sim *sim, uint64_t seed, uint32_t limit,
					unsigned int allowed)
{
	unsigned int traits = 0;
	double share;

	sim_open(sim, seed, limit, 0);
	sim->gc_at_s = 60 * sim_chance(sim);
	sim->restless = 0.2 * sim_chance(sim);
	share = 0.2 + 2 * sim_chance(sim);
	for (int n = 1 + (int)(3 * sim_chance(sim)); n > 0; n--)
		sim->source[sim->sources++] = random_source(sim, share, allowed, &traits);
	if (sim_chance(sim) < 0.3 && (allowed & RANDOM_DUMPS)) {
		sim->walk_every_s = 0.2 + 10 * sim_chance(sim) * sim_chance(sim);
		traits |= RANDOM_DUMPS;
	}
	return traits;
}

#endif
