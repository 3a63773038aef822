/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_MASKED_H
#define RULES_MASKED_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/ranges.h"

struct byte;
struct world;

/* A condition on one symbol: what is left of it under mask is value. Zero: none. Pure. */
struct masked {
	uint8_t mask[RANGES_BYTES_MAX];
	uint8_t value[RANGES_BYTES_MAX];
};

/* Adds what one byte demands of its symbol to be what is wanted; false if that cannot be. */
bool masked_demand(struct masked *condition, const struct byte *byte, uint8_t want);

/* Whether the symbol meets the condition, in the case that is assumed. */
bool masked_decide(struct world *world, unsigned symbol, const struct masked *condition);

#endif
