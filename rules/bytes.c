// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/bytes.h"

#include <string.h>

#include "rules/masked.h"
#include "rules/world.h"

/* Kinds of facts; those of rules/packet.h are others. */
enum { FACT_WITHIN = 0x1001, FACT_SAME };

/* Symbols of so few bytes are asked number by number. */
enum { SMALL_BYTES = 2 };

/* All registers. */
enum { REGISTER_BYTES_MAX = 64 };

static bool is_little_endian(void)
{
	const uint16_t one = 1;
	uint8_t first;

	memcpy(&first, &one, 1);
	return first == 1;
}

void bytes_put_known(struct byte *bytes, size_t count, const void *data)
{
	const uint8_t *at = data;

	for (size_t i = 0; i < count; i++)
		bytes[i] = (struct byte){ .value = at ? at[i] : 0 };
}

void bytes_swap(struct byte *bytes, size_t count, size_t size)
{
	if (!is_little_endian() || size < 2)
		return;
	for (size_t unit = 0; unit + size <= count; unit += size) {
		for (size_t i = 0; i < size / 2; i++) {
			struct byte other = bytes[unit + i];

			bytes[unit + i] = bytes[unit + size - 1 - i];
			bytes[unit + size - 1 - i] = other;
		}
	}
}

void bytes_put_number(struct byte *bytes, size_t count, uint64_t value)
{
	uint8_t data[RANGES_BYTES_MAX];

	wide_write(wide_of(value), data, count);
	bytes_put_known(bytes, count, data);
	bytes_swap(bytes, count, count);
}

void bytes_put_symbol(struct byte *bytes, size_t count, unsigned symbol)
{
	for (size_t i = 0; i < count; i++)
		bytes[i] = (struct byte){ .is_symbol = true,
					  .mask = 0xff,
					  .index = (uint8_t)i,
					  .symbol = (uint16_t)symbol };
}

void bytes_put_host_symbol(struct byte *bytes, size_t count, unsigned symbol)
{
	bytes_put_symbol(bytes, count, symbol);
	bytes_swap(bytes, count, count);
}

/* The byte as it is if its symbol can be but one number. */
static struct byte settle(const struct world *world, struct byte byte)
{
	uint8_t data[RANGES_BYTES_MAX];
	struct wide value;

	if (!byte.is_symbol || !world_known(world, byte.symbol, &value))
		return byte;
	wide_write(value, data, world->symbol[byte.symbol].bytes);
	return (struct byte){ .value = (data[byte.index] & byte.mask) ^ byte.value };
}

bool bytes_known(const struct world *world, const struct byte *bytes, size_t count,
		 void *out)
{
	uint8_t *at = out;

	for (size_t i = 0; i < count; i++) {
		struct byte byte = settle(world, bytes[i]);

		if (byte.is_symbol)
			return false;
		at[i] = byte.value;
	}
	return true;
}

bool bytes_are_symbol(const struct byte *bytes, size_t count, unsigned *symbol)
{
	if (count == 0 || !bytes[0].is_symbol)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!bytes[i].is_symbol || bytes[i].symbol != bytes[0].symbol ||
		    bytes[i].index != i || bytes[i].mask != 0xff || bytes[i].value)
			return false;
	*symbol = bytes[0].symbol;
	return true;
}

/* What all bytes of that symbol demand; false if they contradict each other. */
static bool collect(const struct byte *bytes, size_t count, const uint8_t *want,
		    unsigned symbol, struct masked *condition)
{
	*condition = (struct masked){ 0 };
	for (size_t i = 0; i < count; i++)
		if (bytes[i].is_symbol && bytes[i].symbol == symbol &&
		    !masked_demand(condition, &bytes[i], want[i]))
			return false;
	return true;
}

bool bytes_equal(struct world *world, const struct byte *bytes, size_t count,
		 const void *want)
{
	const uint8_t *wanted = want;
	struct masked condition;

	for (size_t i = 0; i < count; i++) {
		struct byte byte = settle(world, bytes[i]);

		if (!byte.is_symbol && byte.value != wanted[i])
			return false;
		/* What cannot be is found out first: a question splits the case. */
		if (byte.is_symbol &&
		    !collect(bytes, count, wanted, byte.symbol, &condition))
			return false;
	}
	for (size_t i = 0; i < count; i++) {
		bool first = bytes[i].is_symbol;

		for (size_t j = 0; j < i && first; j++)
			first = !bytes[j].is_symbol || bytes[j].symbol != bytes[i].symbol;
		if (!first)
			continue;
		collect(bytes, count, wanted, bytes[i].symbol, &condition);
		/* All bytes of one symbol are one question. */
		if (!masked_decide(world, bytes[i].symbol, &condition))
			return false;
	}
	return true;
}

/* FNV-1a, over 64 bits. */
static uint64_t digest(uint64_t state, const void *data, size_t bytes)
{
	const uint8_t *at = data;

	for (size_t i = 0; i < bytes; i++)
		state = (state ^ at[i]) * UINT64_C(0x100000001b3);
	return state;
}

static const uint64_t DIGEST_START = UINT64_C(0xcbf29ce484222325);

uint64_t bytes_digest(const struct world *world, const struct byte *bytes, size_t count)
{
	uint64_t state = DIGEST_START;

	for (size_t i = 0; i < count; i++) {
		struct byte byte = settle(world, bytes[i]);
		uint8_t parts[] = {
			byte.is_symbol, byte.value,           byte.mask,
			byte.index,     (uint8_t)byte.symbol, (uint8_t)(byte.symbol >> 8)
		};

		state = digest(state, parts, sizeof(parts));
	}
	return state;
}

bool bytes_same(struct world *world, const struct byte *a, const struct byte *b,
		size_t count)
{
	uint64_t both[2] = { bytes_digest(world, a, count),
			     bytes_digest(world, b, count) };
	const struct world_key key = { .kind = FACT_SAME };
	uint8_t data[REGISTER_BYTES_MAX];

	if (both[0] == both[1])
		return true;
	if (count <= sizeof(data) && bytes_known(world, b, count, data))
		return bytes_equal(world, a, count, data);
	if (count <= sizeof(data) && bytes_known(world, a, count, data))
		return bytes_equal(world, b, count, data);
	/* How two symbols are related is not known: they are the same or not. */
	return world_assume(world, &key, both, sizeof(both));
}

/* The bytes that a range is asked of. */
struct span {
	const struct byte *bytes;
	size_t count;
	const void *first;
	const void *last;
};

static bool inside(const struct span *span, const uint8_t *data)
{
	return memcmp(data, span->first, span->count) >= 0 &&
	       memcmp(data, span->last, span->count) <= 0;
}

static bool test_inside(struct wide value, const void *data, size_t bytes)
{
	const struct span *span = data;
	uint8_t symbol[RANGES_BYTES_MAX], at[REGISTER_BYTES_MAX] = { 0 };

	wide_write(value, symbol, bytes);
	for (size_t i = 0; i < span->count; i++) {
		const struct byte *byte = &span->bytes[i];

		at[i] = byte->is_symbol ? (symbol[byte->index] & byte->mask) ^ byte->value
					: byte->value;
	}
	return inside(span, at);
}

/* Whether all bytes that are not known are of one small symbol. */
static bool is_small(const struct world *world, const struct byte *bytes, size_t count,
		     unsigned *symbol)
{
	bool found = false;

	for (size_t i = 0; i < count; i++) {
		if (!bytes[i].is_symbol)
			continue;
		if (found && bytes[i].symbol != *symbol)
			return false;
		found = true;
		*symbol = bytes[i].symbol;
	}
	return found && world->symbol[*symbol].bytes <= SMALL_BYTES;
}

/* The range of a whole symbol whose first bytes are between first and last. */
static struct range widen(const struct span *span, size_t bytes)
{
	uint8_t first[RANGES_BYTES_MAX] = { 0 }, last[RANGES_BYTES_MAX];

	memset(last, 0xff, sizeof(last));
	memcpy(first, span->first, span->count);
	memcpy(last, span->last, span->count);
	return (struct range){ wide_read(first, bytes), wide_read(last, bytes) };
}

bool bytes_within(struct world *world, const struct byte *bytes, size_t count,
		  const void *first, const void *last)
{
	const struct span span = { bytes, count, first, last };
	struct world_key key = { .kind = FACT_WITHIN };
	uint64_t digests[3];
	uint8_t data[REGISTER_BYTES_MAX];
	struct ranges set;
	struct range range;
	unsigned symbol;

	if (count > sizeof(data) || memcmp(first, last, count) > 0)
		return false;
	if (bytes_known(world, bytes, count, data))
		return inside(&span, data);
	if (bytes_are_symbol(bytes, count, &symbol)) {
		range = widen(&span, world->symbol[symbol].bytes);
		return world_decide(world, symbol, &(struct ranges){ &range, 1 });
	}
	if (is_small(world, bytes, count, &symbol)) {
		set = world_pick(world, symbol, test_inside, &span);
		return !world->spent && world_decide(world, symbol, &set);
	}
	/*
	 * Several symbols, or parts of a wide one: so or not, for just these bytes and
	 * bounds.
	 */
	digests[0] = bytes_digest(world, bytes, count);
	digests[1] = digest(DIGEST_START, first, count);
	digests[2] = digest(DIGEST_START, last, count);
	return world_assume(world, &key, digests, sizeof(digests));
}

bool bytes_may_be(const struct world *world, const struct byte *bytes, size_t count,
		  const void *first, const void *last)
{
	const struct span span = { bytes, count, first, last };
	uint8_t data[REGISTER_BYTES_MAX];
	struct range range;
	unsigned symbol;

	if (count > sizeof(data) || memcmp(first, last, count) > 0)
		return false;
	if (bytes_known(world, bytes, count, data))
		return inside(&span, data);
	if (!bytes_are_symbol(bytes, count, &symbol))
		return true;
	range = widen(&span, world->symbol[symbol].bytes);
	/* Nothing is decided: it is enough that one number is left in both. */
	for (size_t i = 0; i < world->symbol[symbol].domain.count; i++) {
		const struct range *own = &world->symbol[symbol].domain.at[i];

		if (wide_compare(own->first, range.last) <= 0 &&
		    wide_compare(range.first, own->last) <= 0)
			return true;
	}
	return false;
}
