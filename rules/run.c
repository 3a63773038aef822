// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/run.h"

#include <linux/netfilter/nf_conntrack_common.h>
#include <string.h>

#include "rules/surroundings.h"

/* What PACKET_FACT is about, beside what evaluation asks. */
enum { FACT_WAS_TRACKED = 0x100, FACT_EXPECTED, FACT_FOR_THIS_HOST };

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
	/* More than can be compared is as good as too many cases. */
	if (run->now.effects == RUN_EFFECTS_MAX) {
		run->world->spent = true;
		return;
	}
	run->effect[run->now.effects++] =
		(struct run_effect){ .kind = kind, .rule = run->rule, .detail = detail };
}

/* FNV-1a. Not bytes_digest(): what else became known of a symbol meanwhile must not matter. */
static uint64_t digest(const struct byte *bytes, size_t count)
{
	uint64_t state = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < count; i++) {
		const struct byte *byte = &bytes[i];
		const uint64_t part = (uint64_t)byte->symbol << 32 |
				      (uint64_t)byte->index << 24 |
				      (uint64_t)byte->mask << 16 |
				      (uint64_t)byte->value << 8 | byte->is_symbol;

		state = (state ^ part) * UINT64_C(0x100000001b3);
	}
	return state;
}

uint64_t run_digest(const struct run *run, size_t source, size_t count)
{
	size_t most = source < MODEL_REGISTER_BYTES ? MODEL_REGISTER_BYTES - source : 0;

	return digest(run->registers + source, count < most ? count : most);
}

static void note_with(struct run *run, enum run_effect_kind kind, uint64_t detail,
		      uint64_t value)
{
	size_t before = run->now.effects;

	run_note(run, kind, detail);
	if (run->now.effects > before)
		run->effect[before].value = value;
}

void run_note_value(struct run *run, enum run_effect_kind kind, uint64_t detail,
		    size_t source, size_t count)
{
	note_with(run, kind, detail, run_digest(run, source, count));
}

uint64_t run_note_mark(struct run *run, enum run_effect_kind kind, uint64_t detail)
{
	uint64_t value =
		digest(run->now.mark, sizeof(run->now.mark) / sizeof(struct byte));

	note_with(run, kind, detail, value);
	return value;
}

void run_mark_anew(struct run *run, uint64_t id, uint32_t packet)
{
	const struct world_key key = { PACKET_OTHER, (uint32_t)id, (uint32_t)(id >> 32),
				       packet };

	bytes_put_host_symbol(run->now.mark, sizeof(uint32_t),
			      world_symbol(run->world, &key, sizeof(uint32_t), NULL));
	run->now.mark_rule = run->rule;
}

bool run_was_tracked(struct run *run)
{
	const struct world_key key = { PACKET_FACT, FACT_WAS_TRACKED, 0, 0 };

	if (run->past != RUN_SEEN)
		return false;
	if (run->packet->kind == PACKET_REQUEST || !run->model->untracks)
		return true;
	return !world_assume(run->world, &key, NULL, 0);
}

bool run_is_reversed(struct run *run)
{
	if (run->past != RUN_SEEN)
		return !packet_is_request(run->packet);
	return !run_was_tracked(run);
}

bool run_is_expected(struct run *run)
{
	const struct world_key key = { PACKET_FACT, FACT_EXPECTED, 0, 0 };

	if (!run->model->expects && !run->packet->host->auto_helpers)
		return false;
	return world_assume(run->world, &key, NULL, 0);
}

bool run_is_opening(const struct run *run)
{
	return run->packet->kind == PACKET_REQUEST || run->past != RUN_SEEN;
}

bool run_is_first(struct run *run)
{
	return !packet_is_error(run->packet) &&
	       (run->packet->kind == PACKET_REQUEST || !run_was_tracked(run));
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
	/* A template is a connection, too, before conntrack has seen the packet. */
	if (run->now.tracking == RUN_TEMPLATE)
		return NF_CT_STATE_BIT(IP_CT_NEW);
	if (run->now.tracking != RUN_TRACKED)
		return NF_CT_STATE_INVALID_BIT;
	if (packet_is_error(run->packet))
		return NF_CT_STATE_BIT(IP_CT_RELATED);
	if (run_is_first(run))
		return NF_CT_STATE_BIT(run_is_expected(run) ? IP_CT_RELATED : IP_CT_NEW);
	return NF_CT_STATE_BIT(IP_CT_ESTABLISHED);
}

enum packet_field run_interface(const struct run *run, bool in, bool name)
{
	bool device = run->now.hook == RUN_INGRESS || run->now.hook == RUN_EGRESS;

	/* A bridge's port, and the bridge; what carries a VLAN, and that. */
	if (device && run->packet->host->stacked)
		return name ? PACKET_DEVICE_NAME : PACKET_DEVICE_INDEX;
	if (in)
		return name ? PACKET_IN_NAME : PACKET_IN_INDEX;
	return name ? PACKET_OUT_NAME : PACKET_OUT_INDEX;
}

/* What NAT may turn to the service is for anybody. */
static bool is_for_this_host(struct run *run)
{
	const struct packet *packet = run->packet;
	const struct ranges *own =
		packet->family == AF_INET ? &packet->host->local4 : &packet->host->local6;

	if (!own->count)
		return run_assume_flow(run, FACT_FOR_THIS_HOST, 0);
	return world_decide(run->world, packet_symbol(packet, run->world, PACKET_SERVER),
			    own);
}

bool run_is_local(struct run *run, bool source)
{
	enum packet_way way = packet_way(run->packet);

	if (run->packet->astray && !source)
		return is_for_this_host(run);
	return way == PACKET_LOOPS ||
	       (way != PACKET_PASSES && source == (way == PACKET_LEAVES));
}

bool run_is_elsewhere(const struct run *run, const void *address)
{
	const struct service *service = run->packet->service;
	bool v4 = run->packet->family == AF_INET;
	size_t count = v4 ? sizeof(struct in_addr) : sizeof(struct in6_addr);
	const struct ranges *own =
		v4 ? &run->packet->host->local4 : &run->packet->host->local6;

	if (service->family == run->packet->family)
		return memcmp(address, &service->addr, count) != 0;
	/*
	 * Without an address of that family it is at any of this host's, or, outbound, at
	 * none of them.
	 */
	return own->count &&
	       ranges_have(own, wide_read(address, count)) == service->outbound;
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

uint64_t run_visit(const struct run *run)
{
	const struct model_rule *back =
		run->now.depth ? run->now.stack[run->now.depth - 1] : NULL;

	return run_place(run) ^ 3 * (uint64_t)(uintptr_t)run->now.base ^
	       5 * (uint64_t)(uintptr_t)back;
}

void run_load(struct run *run, uint32_t base, uint32_t offset, size_t count,
	      struct byte *to)
{
	packet_load(run->packet, run->world, base, offset, count, to);
	/* In the order in which rules made them: what was written last is there. */
	for (size_t i = 0; i < run->now.writes; i++) {
		const struct run_write *write = &run->write[i];

		for (uint32_t at = 0; write->base == base && at < count; at++)
			if (offset + at >= write->offset &&
			    offset + at < write->offset + write->count)
				to[at] = write->bytes[offset + at - write->offset];
	}
}

uint64_t run_rewritten(const struct run *run)
{
	uint64_t count = 0;

	for (size_t i = 0; i < run->now.effects; i++)
		count += run->effect[i].kind == RUN_REWRITE;
	return count;
}
