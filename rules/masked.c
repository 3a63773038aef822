// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/masked.h"

#include <string.h>

#include "rules/bytes.h"
#include "rules/world.h"

/* What a fact is about. */
enum { FACT_MASKED = 0x1000 };

/* Of symbols so short all numbers are looked at. */
enum { SMALL_BYTES = 2 };

static bool is_prefix(const uint8_t *mask, size_t bytes)
{
	size_t i = 0;

	while (i < bytes && mask[i] == 0xff)
		i++;
	if (i < bytes) {
		/*
		 * Ones above zeros: one more than the inverse has no bit in common with
		 * it.
		 */
		uint8_t inverse = (uint8_t)~mask[i];

		if (inverse & (inverse + 1))
			return false;
		i++;
	}
	while (i < bytes && mask[i] == 0)
		i++;
	return i == bytes;
}

static bool fits(struct wide value, const struct masked *condition, size_t bytes)
{
	uint8_t data[RANGES_BYTES_MAX];

	wide_write(value, data, bytes);
	for (size_t i = 0; i < bytes; i++)
		if ((data[i] & condition->mask[i]) != condition->value[i])
			return false;
	return true;
}

static bool test_masked(struct wide value, const void *data, size_t bytes)
{
	return fits(value, data, bytes);
}

/* Of a wide symbol: two conditions under the same mask exclude each other. */
static bool assume_masked(struct world *world, unsigned symbol,
			  const struct masked *condition)
{
	const struct world_key key = { .kind = FACT_MASKED, .a = symbol };
	uint8_t data[WORLD_FACT_BYTES];

	memcpy(data, condition->mask, RANGES_BYTES_MAX);
	memcpy(data + RANGES_BYTES_MAX, condition->value, RANGES_BYTES_MAX);
	for (unsigned i = 0; i < world->facts; i++) {
		const struct world_fact *fact = &world->fact[i];

		if (fact->holds && fact->key.kind == FACT_MASKED &&
		    fact->key.a == symbol &&
		    memcmp(fact->data, condition->mask, RANGES_BYTES_MAX) == 0)
			return memcmp(fact->data, data, sizeof(data)) == 0;
	}
	return world_assume(world, &key, data, sizeof(data));
}

bool masked_decide(struct world *world, unsigned symbol, const struct masked *condition)
{
	size_t bytes = world->symbol[symbol].bytes;
	uint8_t last[RANGES_BYTES_MAX];
	struct ranges set;
	struct range range;
	struct wide value;

	if (world_known(world, symbol, &value))
		return fits(value, condition, bytes);
	if (is_prefix(condition->mask, bytes)) {
		for (size_t i = 0; i < bytes; i++)
			last[i] = condition->value[i] | (uint8_t)~condition->mask[i];
		range = (struct range){ wide_read(condition->value, bytes),
					wide_read(last, bytes) };
		return world_decide(world, symbol, &(struct ranges){ &range, 1 });
	}
	/* A wide symbol has too many numbers to look at each. */
	if (bytes > SMALL_BYTES)
		return assume_masked(world, symbol, condition);
	set = world_pick(world, symbol, test_masked, condition);
	return !world->spent && world_decide(world, symbol, &set);
}

bool masked_demand(struct masked *condition, const struct byte *byte, uint8_t want)
{
	uint8_t value = (want ^ byte->value) & byte->mask;
	uint8_t both = condition->mask[byte->index] & byte->mask;

	/*
	 * A bit that the mask has cleared is known, and what another byte demanded must
	 * be the same.
	 */
	if ((want ^ byte->value) & ~byte->mask ||
	    (condition->value[byte->index] & both) != (value & both))
		return false;
	condition->mask[byte->index] |= byte->mask;
	condition->value[byte->index] |= value;
	return true;
}
