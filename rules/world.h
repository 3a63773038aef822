/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_WORLD_H
#define RULES_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/arena.h"
#include "rules/ranges.h"

/*
 * What is assumed of a packet and its surroundings, for looking at every case one after the
 * other. What is not known is a symbol with the numbers that it may be; asking whether it is in a set
 * of them splits the case in two if both is possible. The answers that were given are
 * remembered: world_again() starts from the beginning, gives the same answers up to the last that
 * could be another, and there gives the other. So who asks in a fixed order sees each case
 * once, and within a case everybody gets consistent answers, whichever of the two packets that
 * are compared they ask for. Pure.
 */

/* What a symbol or an assumption is about. The same key is the same thing. */
struct world_key {
	uint32_t kind;
	uint32_t a;
	uint32_t b;
	uint32_t c;
};

enum {
	WORLD_SYMBOLS_MAX = 512,
	WORLD_FACTS_MAX = 1024,
	WORLD_CHOICES_MAX = 1 << 16,
	WORLD_UNDOS_MAX = 1 << 16,
	WORLD_FACT_BYTES = 32,
};

struct world_symbol {
	struct world_key key;
	size_t bytes;         /* 1 to 16 */
	struct ranges domain; /* what it may be; never empty */
};

/* Something that was assumed true or false. */
struct world_fact {
	struct world_key key;
	uint8_t data[WORLD_FACT_BYTES];
	bool holds;
};

struct world_choice {
	unsigned taken;
	unsigned options;
};

struct world_undo {
	unsigned symbol;
	struct ranges domain;
};

/* Zero-initialise but for budget; world_free() it. */
struct world {
	struct arena arena;
	uint64_t budget; /* steps that may still be taken */
	bool spent;      /* the budget or a bound: answers are worthless, stop asking */
	unsigned symbols, facts, choices, undos;
	unsigned at; /* the next choice */
	struct world_symbol symbol[WORLD_SYMBOLS_MAX];
	struct world_fact fact[WORLD_FACTS_MAX];
	struct world_choice choice[WORLD_CHOICES_MAX];
	struct world_undo undo[WORLD_UNDOS_MAX];
};

/* A case so far, to come back to. */
struct world_point {
	struct arena_mark arena;
	unsigned symbols, facts, undos, at;
};

struct world_point world_point(const struct world *world);
void world_return(struct world *world, const struct world_point *point);

/*
 * Takes another answer to the last choice, from number from on, that has one left; those after it
 * are forgotten. The caller then goes back to a point before it (*which is its number) and asks
 * again. False: there is none left.
 */
bool world_flip(struct world *world, unsigned from, unsigned *which);

/* The same, back at point. */
bool world_again(struct world *world, const struct world_point *point);

/* Takes steps off the budget; false if there are not so many. */
bool world_spend(struct world *world, uint64_t steps);

/* The number of the symbol, which on first use may be anything in domain (NULL: any number). */
unsigned world_symbol(struct world *world, const struct world_key *key, size_t bytes,
		      const struct ranges *domain);

/* If it can be but one number, writes it and returns true. */
bool world_known(const struct world *world, unsigned symbol, struct wide *value);

/* Whether the symbol is in set. */
bool world_decide(struct world *world, unsigned symbol, const struct ranges *set);

/*
 * The numbers that a symbol can be for which test(number, data, bytes of the symbol) holds. All are looked
 * at, which costs a step for every so many: for symbols of a few bytes.
 */
struct ranges world_pick(struct world *world, unsigned symbol,
			 bool (*test)(struct wide, const void *, size_t),
			 const void *data);

/* Whether something holds of which nothing is known but that it is so or not. data may be NULL. */
bool world_assume(struct world *world, const struct world_key *key, const void *data,
		  size_t bytes);

/* One of several possibilities, from 0 on. */
unsigned world_choose(struct world *world, unsigned options);

void world_free(struct world *world);

#endif
