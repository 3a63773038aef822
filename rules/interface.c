// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/interface.h"

#include <string.h>

#include "rules/surroundings.h"
#include "rules/world.h"

/*
 * Whether it must be loopback's: but of what NAT may turn here, which until then is for somewhere else, not on
 * its way out.
 */
static bool is_on_lo(const struct packet *packet, enum packet_field field)
{
	bool in = field == PACKET_IN_NAME || field == PACKET_IN_INDEX;

	return packet->loopback && (!packet->astray || in);
}

/* The set with loopback's. */
static struct ranges with_lo(struct world *world, const struct ranges *others,
			     const struct range *lo)
{
	struct range *at = arena_take(&world->arena, (others->count + 1) * sizeof(*at));

	if (!at) {
		world->spent = true;
		return *others;
	}
	memcpy(at, others->at, others->count * sizeof(*at));
	at[others->count] = *lo;
	return ranges_normalise(at, others->count + 1);
}

unsigned interface_name(const struct packet *packet, struct world *world,
			enum packet_field field)
{
	const struct world_key key = { .kind = field, .a = packet_is_error(packet) };
	const struct wide lo = wide_read("lo\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	const struct range only = { lo, lo };
	/* A name has a letter. */
	static const struct range ANY = { { UINT64_C(0x2100000000000000), 0 },
					  { UINT64_MAX, UINT64_MAX } };
	struct ranges set = { arena_copy(&world->arena, &only, sizeof(only)), 1 };
	struct ranges all = { &ANY, 1 };

	if (!set.at) {
		world->spent = true;
		return 0;
	}
	if (is_on_lo(packet, field))
		return world_symbol(world, &key, 16, &set);
	if (packet->host->names.count)
		all = packet->host->names;
	if (packet->loopback)
		all = with_lo(world, &all, &only);
	if (packet->loopback || packet->host->names.count)
		return world_symbol(world, &key, 16, &all);
	if (ranges_subtract(&world->arena, &all, &set, &all))
		world->spent = true;
	return world_symbol(world, &key, 16, &all);
}

unsigned interface_index(const struct packet *packet, struct world *world,
			 enum packet_field field)
{
	/* Loopback is number 1 in every network namespace (net/core/dev.h, LOOPBACK_IFINDEX). */
	static const struct range LOOPBACK = { { 0, 1 }, { 0, 1 } };
	static const struct range OTHERS = { { 0, 2 }, { 0, INT32_MAX } };
	const struct world_key key = { .kind = field, .a = packet_is_error(packet) };
	const struct ranges lo = { &LOOPBACK, 1 };
	struct ranges others = { &OTHERS, 1 };

	if (is_on_lo(packet, field))
		return world_symbol(world, &key, sizeof(uint32_t), &lo);
	if (packet->host->indices.count)
		others = packet->host->indices;
	if (packet->loopback)
		others = with_lo(world, &others, &LOOPBACK);
	return world_symbol(world, &key, sizeof(uint32_t), &others);
}
