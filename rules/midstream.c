// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/midstream.h"
#include "rules/run.h"

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>

#include "rules/course.h"
#include "rules/surroundings.h"
#include "rules/walk.h"

/* Rules that may be evaluated for one packet: far less than a second. */
enum { STEPS = 400000 };

/* Sets of numbers that cases are made of. */
enum { WORLD_BYTES_MAX = 32 << 20 };

struct judge {
	const struct model *model;
	const struct surroundings *host;
	struct arena arena; /* of order */
	struct course order;
	struct world world;
	struct run stranger, known, first; /* these are too large for the stack */
};

static void send_through(struct judge *judge, struct run *run,
			 const struct packet *packet, enum run_past past)
{
	run->world = &judge->world;
	run->model = judge->model;
	run->packet = packet;
	run->past = past;
	walk(run, &judge->order);
}

static bool has_effect(const struct run *run, enum run_effect_kind kind)
{
	for (size_t i = 0; i < run->now.effects; i++)
		if (run->effect[i].kind == kind)
			return true;
	return false;
}

/*
 * Whether it does not get where it should. One that gets this host's address as its source has it
 * already, nearly always.
 */
static bool is_stopped(const struct run *run)
{
	if (has_effect(run, RUN_OPAQUE))
		return true;
	if (run->now.fate == RUN_TAKEN)
		return !has_effect(run, RUN_SNAT) && !has_effect(run, RUN_MASQUERADE);
	return run->now.fate != RUN_DELIVERED;
}

/*
 * Whether there is, in the case that is assumed, such a connection: one whose first packet and
 * whose packet is let through when it is known. Leaves the world as it was.
 */
static bool can_be_open(struct judge *judge, const struct packet *packet)
{
	struct world_point now = world_point(&judge->world);
	struct packet first = *packet;
	bool found = false, more = true;

	first.kind = PACKET_REQUEST;
	while (more && !found && !judge->world.spent) {
		send_through(judge, &judge->known, packet, RUN_SEEN);
		send_through(judge, &judge->first, &first, RUN_SEEN);
		found = judge->known.now.fate == RUN_DELIVERED &&
			judge->first.now.fate == RUN_DELIVERED;
		more = world_again(&judge->world, &now);
	}
	world_return(&judge->world, &now);
	/* What was chosen in there is nobody's any more. */
	judge->world.choices = now.at;
	return found || judge->world.spent;
}

static bool is_cut(struct judge *judge, const struct packet *packet, enum run_past past)
{
	const struct world_point start = { .at = 0 };
	struct world *world = &judge->world;
	bool more = true;

	world->choices = 0;
	world_return(world, &start);
	world->budget = STEPS;
	world->spent = false;
	send_through(judge, &judge->stranger, packet, past);
	while (more && !world->spent) {
		if (is_stopped(&judge->stranger) && can_be_open(judge, packet))
			return true;
		more = walk_again(&judge->stranger, &judge->order);
	}
	return world->spent;
}

static void judge_packet(struct judge *judge, const struct packet *packet,
			 struct midstream *out)
{
	out->cuts_loose = out->cuts_loose || is_cut(judge, packet, RUN_UNSEEN);
	out->cuts_strict = out->cuts_strict || is_cut(judge, packet, RUN_STRANGE);
}

static void judge_all(struct judge *judge, const struct service *service,
		      struct midstream *out)
{
	static const uint8_t FAMILIES[] = { AF_INET, AF_INET6 };
	static const enum packet_kind KINDS[] = { PACKET_LATER, PACKET_LATER_REPLY };

	/* Family, whether it is on loopback, and kind: a bit each. */
	for (unsigned i = 0; i < 8; i++) {
		const struct packet packet = {
			.service = service,
			.host = judge->host,
			.family = FAMILIES[i & 1],
			.loopback = i & 2,
			.kind = KINDS[i >> 2],
		};

		if (service->family == AF_UNSPEC || service->family == packet.family)
			judge_packet(judge, &packet, out);
	}
}

int midstream_judge(const struct model *model, const struct surroundings *host,
		    const struct service *service, struct midstream *out)
{
	struct midstream made = { 0 };
	struct judge *judge;
	int err;

	if (service->proto != IPPROTO_TCP) {
		*out = made;
		return 0;
	}
	judge = calloc(1, sizeof(*judge));
	if (!judge)
		return -ENOMEM;
	err = course_plan(model, &judge->arena, &judge->order);
	if (!err) {
		judge->model = model;
		judge->host = host;
		judge->world.arena.limit = WORLD_BYTES_MAX;
		if (host->legacy4 || host->legacy6)
			made = MIDSTREAM_UNKNOWN;
		else
			judge_all(judge, service, &made);
		world_free(&judge->world);
		*out = made;
	}
	arena_free(&judge->arena);
	free(judge);
	return err;
}
