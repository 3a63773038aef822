/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_BYTES_H
#define RULES_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/ranges.h"

struct world;

/*
 * What registers hold: bytes that are known, or that are part of a symbol of the world. Questions
 * about them are questions to the world. Pure.
 */

struct byte {
	bool is_symbol;
	uint8_t value; /* what it is; of a symbol: what was xored to it */
	uint8_t mask;  /* of a symbol: which bits are left of it */
	uint8_t index; /* of a symbol: which of its bytes, the most significant is 0 */
	uint16_t symbol;
};

void bytes_put_known(struct byte *bytes, size_t count, const void *data);

/* A number in the order of this host's processor, as the kernel keeps marks and indices. */
void bytes_put_number(struct byte *bytes, size_t count, uint64_t value);

/* The first count bytes of a symbol, which is as wide or wider. */
void bytes_put_symbol(struct byte *bytes, size_t count, unsigned symbol);

/* The same of a symbol that is a number in the order of this host's processor. */
void bytes_put_host_symbol(struct byte *bytes, size_t count, unsigned symbol);

/* Turns each of the units of size bytes around, if this host's order is not the network's. */
void bytes_swap(struct byte *bytes, size_t count, size_t size);

/* Writes what they are and returns true if all are known. */
bool bytes_known(const struct world *world, const struct byte *bytes, size_t count,
		 void *out);

/* If they are a symbol as it is, all or the first of it: which. */
bool bytes_are_symbol(const struct byte *bytes, size_t count, unsigned *symbol);

/* Whether they are what want says. */
bool bytes_equal(struct world *world, const struct byte *bytes, size_t count,
		 const void *want);

/* Whether they are the same as others. */
bool bytes_same(struct world *world, const struct byte *a, const struct byte *b,
		size_t count);

/* Whether they are between first and last, as memcmp() orders them. */
bool bytes_within(struct world *world, const struct byte *bytes, size_t count,
		  const void *first, const void *last);

/* False only if they cannot be between first and last, whatever is assumed next. */
bool bytes_may_be(const struct world *world, const struct byte *bytes, size_t count,
		  const void *first, const void *last);

/* Something that stands for what they are, for use in keys: equal bytes have equal digests. */
uint64_t bytes_digest(const struct world *world, const struct byte *bytes, size_t count);

#endif
