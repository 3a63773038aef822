// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/world.h"

#include <string.h>

/* So many numbers that are looked at cost a step. */
enum { NUMBERS_PER_STEP = 16 };

struct world_point world_point(const struct world *world)
{
	return (struct world_point){
		.arena = arena_mark(&world->arena),
		.symbols = world->symbols,
		.facts = world->facts,
		.undos = world->undos,
		.at = world->at,
	};
}

void world_return(struct world *world, const struct world_point *point)
{
	/*
	 * The newest first: of a symbol that was restricted several times the oldest is
	 * to be had again.
	 */
	while (world->undos > point->undos) {
		const struct world_undo *undo = &world->undo[--world->undos];

		world->symbol[undo->symbol].domain = undo->domain;
	}
	world->symbols = point->symbols;
	world->facts = point->facts;
	world->at = point->at;
	arena_release(&world->arena, &point->arena);
}

bool world_flip(struct world *world, unsigned from, unsigned *which)
{
	while (world->choices > from) {
		struct world_choice *last = &world->choice[world->choices - 1];

		if (last->taken + 1 < last->options) {
			last->taken++;
			*which = world->choices - 1;
			return true;
		}
		world->choices--;
	}
	return false;
}

bool world_again(struct world *world, const struct world_point *point)
{
	unsigned which;

	world_return(world, point);
	return world_flip(world, point->at, &which);
}

bool world_spend(struct world *world, uint64_t steps)
{
	if (world->budget < steps)
		world->spent = true;
	else
		world->budget -= steps;
	return !world->spent;
}

unsigned world_choose(struct world *world, unsigned options)
{
	if (options < 2 || world->spent)
		return 0;
	if (world->at == WORLD_CHOICES_MAX) {
		world->spent = true;
		return 0;
	}
	/* Up to the choice that was flipped all are made again as they were. */
	if (world->at == world->choices)
		world->choice[world->choices++] = (struct world_choice){ 0, options };
	return world->choice[world->at++].taken;
}

static bool same_key(const struct world_key *a, const struct world_key *b)
{
	return a->kind == b->kind && a->a == b->a && a->b == b->b && a->c == b->c;
}

unsigned world_symbol(struct world *world, const struct world_key *key, size_t bytes,
		      const struct ranges *domain)
{
	struct world_symbol *symbol;
	struct range *all;
	unsigned i = 0;

	/* The same key at another width is another symbol: nothing relates the two. */
	while (i < world->symbols &&
	       !(same_key(&world->symbol[i].key, key) && world->symbol[i].bytes == bytes))
		i++;
	if (i < world->symbols)
		return i;
	/* Any number will do: from here on answers are worthless. */
	if (i == WORLD_SYMBOLS_MAX) {
		world->spent = true;
		return 0;
	}
	symbol = &world->symbol[i];
	*symbol = (struct world_symbol){ .key = *key, .bytes = bytes };
	if (domain && domain->count) {
		symbol->domain = *domain;
	} else {
		all = arena_take(&world->arena, sizeof(*all));
		if (!all) {
			world->spent = true;
			return 0;
		}
		*all = (struct range){ .last = wide_greatest(bytes) };
		symbol->domain = (struct ranges){ .at = all, .count = 1 };
	}
	world->symbols++;
	return i;
}

bool world_known(const struct world *world, unsigned symbol, struct wide *value)
{
	const struct ranges *domain = &world->symbol[symbol].domain;

	if (domain->count != 1 ||
	    wide_compare(domain->at[0].first, domain->at[0].last) != 0)
		return false;
	*value = domain->at[0].first;
	return true;
}

static void restrict_to(struct world *world, unsigned symbol, const struct ranges *domain)
{
	if (world->undos == WORLD_UNDOS_MAX) {
		world->spent = true;
		return;
	}
	world->undo[world->undos++] =
		(struct world_undo){ symbol, world->symbol[symbol].domain };
	world->symbol[symbol].domain = *domain;
}

bool world_decide(struct world *world, unsigned symbol, const struct ranges *set)
{
	const struct ranges *domain = &world->symbol[symbol].domain;
	struct ranges in, out;
	struct wide value;

	if (world_known(world, symbol, &value))
		return ranges_have(set, value);
	if (world->spent || ranges_intersect(&world->arena, domain, set, &in) ||
	    (in.count && ranges_subtract(&world->arena, domain, set, &out))) {
		world->spent = true;
		return false;
	}
	if (!in.count || !out.count)
		return in.count;
	/*
	 * Yes comes first: what a rule lets through or drops ends soon, and what is left to be
	 * looked at later is but the one case that no rule was about.
	 */
	if (world_choose(world, 2) == 0) {
		restrict_to(world, symbol, &in);
		return true;
	}
	restrict_to(world, symbol, &out);
	return false;
}

struct ranges world_pick(struct world *world, unsigned symbol,
			 bool (*test)(struct wide, const void *, size_t),
			 const void *data)
{
	const struct ranges domain = world->symbol[symbol].domain;
	size_t bytes = world->symbol[symbol].bytes, count = 0, most = 1;
	struct range *at;

	for (size_t i = 0; i < domain.count; i++)
		most += domain.at[i].last.low - domain.at[i].first.low + 1;
	at = world_spend(world, most / NUMBERS_PER_STEP)
		     ? arena_take(&world->arena, most * sizeof(*at))
		     : NULL;
	if (!at) {
		world->spent = true;
		return (struct ranges){ 0 };
	}
	for (size_t i = 0; i < domain.count; i++) {
		uint64_t last = domain.at[i].last.low;

		for (uint64_t v = domain.at[i].first.low; v <= last; v++) {
			if (!test(wide_of(v), data, bytes))
				continue;
			if (count && at[count - 1].last.low + 1 == v)
				at[count - 1].last.low = v;
			else
				at[count++] = (struct range){ wide_of(v), wide_of(v) };
		}
	}
	return (struct ranges){ .at = at, .count = count };
}

bool world_assume(struct world *world, const struct world_key *key, const void *data,
		  size_t bytes)
{
	struct world_fact fact = { .key = *key };
	unsigned i = 0;

	if (data)
		memcpy(fact.data, data,
		       bytes < WORLD_FACT_BYTES ? bytes : WORLD_FACT_BYTES);
	while (i < world->facts &&
	       !(same_key(&world->fact[i].key, key) &&
		 memcmp(world->fact[i].data, fact.data, WORLD_FACT_BYTES) == 0))
		i++;
	if (i < world->facts)
		return world->fact[i].holds;
	if (i == WORLD_FACTS_MAX) {
		world->spent = true;
		return false;
	}
	fact.holds = world_choose(world, 2) == 0;
	world->fact[world->facts++] = fact;
	return fact.holds;
}

void world_free(struct world *world)
{
	arena_free(&world->arena);
}
