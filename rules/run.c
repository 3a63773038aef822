// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/run.h"

#include <linux/netfilter/nf_conntrack_common.h>

/* What PACKET_FACT is about, beside what evaluation asks. */
enum { FACT_WAS_TRACKED = 0x100 };

void run_ask(struct run *run)
{
	run->now.asked = true;
	run->rule_asked = true;
}

void run_note(struct run *run, enum run_effect_kind kind, uint64_t detail)
{
	/* What is not understood may ask for anything. */
	if (kind == RUN_OPAQUE)
		run_ask(run);
	if (run->now.effects == RUN_EFFECTS_MAX) {
		run->world->spent = true;
		return;
	}
	run->effect[run->now.effects++] = (struct run_effect){ kind, run->rule, detail };
}

bool run_was_tracked(struct run *run)
{
	const struct world_key key = { PACKET_FACT, FACT_WAS_TRACKED, 0, 0 };

	if (run->packet->kind == PACKET_REQUEST || !run->model->untracks)
		return true;
	return !world_assume(run->world, &key, NULL, 0);
}

bool run_is_original(struct run *run)
{
	return packet_is_request(run->packet) || !run_was_tracked(run);
}

/*
 * nft_ct_get_eval(), xt_conntrack.c: without a connection a packet is "untracked" if it was made
 * so, else "invalid". Without its request a reply opens a connection.
 */
uint32_t run_state(struct run *run)
{
	if (run->now.tracking == RUN_UNTRACKED)
		return NF_CT_STATE_UNTRACKED_BIT;
	if (run->now.tracking != RUN_TRACKED)
		return NF_CT_STATE_INVALID_BIT;
	if (packet_is_error(run->packet))
		return NF_CT_STATE_BIT(IP_CT_RELATED);
	if (run->packet->kind == PACKET_REQUEST || !run_was_tracked(run))
		return NF_CT_STATE_BIT(IP_CT_NEW);
	return NF_CT_STATE_BIT(IP_CT_ESTABLISHED);
}

bool run_is_local(const struct run *run, bool source)
{
	enum packet_way way = packet_way(run->packet);

	return way == PACKET_LOOPS || source == (way == PACKET_LEAVES);
}

static bool assume(struct run *run, uint32_t what, uint64_t detail, uint32_t packet)
{
	const struct world_key key = { PACKET_FACT, what, packet, 0 };

	return world_assume(run->world, &key, &detail, sizeof(detail));
}

bool run_assume(struct run *run, uint32_t what, uint64_t detail)
{
	return assume(run, what, detail, run->packet->kind);
}

bool run_assume_flow(struct run *run, uint32_t what, uint64_t detail)
{
	return assume(run, what, detail, PACKET_KINDS);
}

uint64_t run_place(const struct run *run)
{
	return (uint64_t)(uintptr_t)run->rule + run->expr;
}

void run_load(struct run *run, uint32_t base, uint32_t offset, size_t count,
	      struct byte *to)
{
	packet_load(run->packet, run->world, base, offset, count, to);
	for (size_t i = 0; i < run->now.writes; i++) {
		const struct run_write *write = &run->write[i];

		for (uint32_t at = 0; write->base == base && at < count; at++)
			if (offset + at >= write->offset &&
			    offset + at < write->offset + write->count)
				to[at] = write->bytes[offset + at - write->offset];
	}
}
