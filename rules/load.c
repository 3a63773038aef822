// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/load.h"
#include "rules/run.h"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

enum { NAME_BYTES = 16, INDEX_BYTES = 4, STATUS_BYTES = 4, NUMBER_BYTES = 4 };

/* What a fact is about. */
enum { FACT_HAS_SOCKET = 1, FACT_HAS_HEADER, FACT_HAS_OTHER };

/* Whether it has an input interface there: these hooks are the first of enum run_hook */
static bool is_in(const struct run *run)
{
	return run->now.hook <= RUN_INPUT;
}

/* Puts count bytes into the register, and zeroes up to the end of its last word. */
static void put(struct run *run, const struct model_expr *expr, const struct byte *bytes,
		size_t count)
{
	size_t end = (expr->to + count + 3) / 4 * 4;

	for (size_t i = expr->to; i < end && i < MODEL_REGISTER_BYTES; i++)
		run->registers[i] =
			i - expr->to < count ? bytes[i - expr->to] : (struct byte){ 0 };
}

static bool put_known(struct run *run, const struct model_expr *expr, const void *data,
		      size_t count)
{
	struct byte bytes[NAME_BYTES];

	bytes_put_known(bytes, count, data);
	put(run, expr, bytes, count);
	return true;
}

/* A number in host order. */
static bool put_number(struct run *run, const struct model_expr *expr, uint64_t value,
		       size_t count)
{
	struct byte bytes[8];

	bytes_put_number(bytes, count, value);
	put(run, expr, bytes, count);
	return true;
}

/* Something that can be anything: the same for all packets of the conversation, or not. */
static bool put_symbol(struct run *run, const struct model_expr *expr, uint32_t kind,
		       uint32_t what, bool of_flow, size_t count)
{
	/* Without a direction, or the like, it is another question than with the first. */
	const struct world_key key = { kind, what,
				       expr->number[1] ^ (uint32_t)(expr->given & 2) << 8,
				       of_flow ? (uint32_t)PACKET_KINDS
					       : (uint32_t)run->packet->kind };
	struct byte bytes[NAME_BYTES];

	bytes_put_host_symbol(bytes, count, world_symbol(run->world, &key, count, NULL));
	put(run, expr, bytes, count);
	return true;
}

/* An interface's name or number; there is none for the direction that the packet does not have. */
static bool put_interface(struct run *run, const struct model_expr *expr, bool in,
			  bool name)
{
	size_t count = name ? NAME_BYTES : INDEX_BYTES;
	struct byte bytes[NAME_BYTES];
	enum packet_field field;

	bytes_put_known(bytes, count, NULL);
	/* What is forwarded leaves with both (net/ipv4/ip_output.c, ip_output()). */
	if (in == is_in(run) || (in && run->packet->passing)) {
		field = run_interface(run, in, name);
		if (name)
			bytes_put_symbol(bytes, count,
					 packet_symbol(run->packet, run->world, field));
		else
			bytes_put_host_symbol(
				bytes, count,
				packet_symbol(run->packet, run->world, field));
	}
	put(run, expr, bytes, count);
	return true;
}

/* Other things about an interface; a packet without one does not match. */
static bool put_interface_trait(struct run *run, const struct model_expr *expr, bool in,
				size_t count)
{
	return in == is_in(run) &&
	       put_symbol(run, expr, PACKET_META, expr->number[0], true, count);
}

static bool put_socket_owner(struct run *run, const struct model_expr *expr)
{
	/* On loopback there is one at each end. */
	const uint32_t end = (uint32_t)packet_is_request(run->packet) << 16;

	return run_assume(run, FACT_HAS_SOCKET, is_in(run)) &&
	       put_symbol(run, expr, PACKET_META, end | expr->number[0], true, 4);
}

static bool put_protocol(struct run *run, const struct model_expr *expr)
{
	uint16_t type = run->packet->family == AF_INET ? ETH_P_IP : ETH_P_IPV6;
	const uint8_t data[] = { (uint8_t)(type >> 8), (uint8_t)type };

	return put_known(run, expr, data, sizeof(data));
}

/* net/netfilter/nft_meta.c, nft_meta_get_eval() */
bool load_meta(struct run *run, const struct model_expr *expr)
{
	uint32_t key = expr->number[0];

	switch (key) {
	case NFT_META_PROTOCOL: return put_protocol(run, expr);
	case NFT_META_NFPROTO:
		return put_number(
			run, expr,
			run->packet->family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6, 1);
	case NFT_META_L4PROTO: return put_number(run, expr, packet_proto(run->packet), 1);
	case NFT_META_MARK: put(run, expr, run->now.mark, sizeof(uint32_t)); return true;
	case NFT_META_IIF: return put_interface(run, expr, true, false);
	case NFT_META_OIF: return put_interface(run, expr, false, false);
	case NFT_META_IIFNAME: return put_interface(run, expr, true, true);
	case NFT_META_OIFNAME: return put_interface(run, expr, false, true);
	case NFT_META_SDIF:
	case NFT_META_IIFGROUP: return put_interface_trait(run, expr, true, 4);
	case NFT_META_OIFGROUP: return put_interface_trait(run, expr, false, 4);
	case NFT_META_IIFTYPE: return put_interface_trait(run, expr, true, 2);
	case NFT_META_OIFTYPE: return put_interface_trait(run, expr, false, 2);
	case NFT_META_SDIFNAME:
	case NFT_META_IIFKIND: return put_interface_trait(run, expr, true, NAME_BYTES);
	case NFT_META_OIFKIND: return put_interface_trait(run, expr, false, NAME_BYTES);
	/* What leaves is for this host, too: PACKET_OUTGOING is only for taps. */
	case NFT_META_PKTTYPE:
		return run->now.classed
			       ? put_symbol(run, expr, PACKET_META, key, false, 1)
			       : put_number(run, expr, PACKET_HOST, 1);
	case NFT_META_NFTRACE: return put_number(run, expr, 0, 1);
	case NFT_META_SKUID:
	case NFT_META_SKGID: return put_socket_owner(run, expr);
	case NFT_META_BRI_IIFNAME:
	case NFT_META_BRI_OIFNAME:
	case NFT_META_BRI_IIFPVID:
	case NFT_META_BRI_IIFVPROTO: return false;
	case NFT_META_SECPATH:
	case NFT_META_TIME_DAY: return put_symbol(run, expr, PACKET_META, key, false, 1);
	/* Drawn anew wherever it is asked. */
	case NFT_META_PRANDOM:
		return put_symbol(run, expr, PACKET_OTHER, (uint32_t)run_visit(run),
				  false, 4);
	case NFT_META_TIME_NS: return put_symbol(run, expr, PACKET_META, key, false, 8);
	default:
		return put_symbol(run, expr, PACKET_META,
				  key | (uint32_t)run->now.classed << 16, false, 4);
	}
}

/* The bits of a connection's status that can be set without NAT. */
static bool put_status(struct run *run, const struct model_expr *expr)
{
	const uint32_t old = IPS_CONFIRMED | IPS_SEEN_REPLY;
	bool first = run_is_opening(run), error = packet_is_error(run->packet);
	uint32_t set = first || error ? 0 : old;
	/*
	 * A request is sent again before it is answered, or comes in where it went out; an error may be about one that was
	 * never answered, or that a rule refused before it was confirmed.
	 */
	uint32_t open = IPS_SRC_NAT_DONE | IPS_DST_NAT_DONE |
			(uint32_t)(first ? IPS_CONFIRMED : IPS_ASSURED) |
			(error ? old : 0);
	uint32_t expected = run_is_expected(run) ? (uint32_t)IPS_EXPECTED : 0;
	const struct world_key key = { PACKET_CT, NFT_CT_STATUS, run->past,
				       run->packet->kind };
	struct range *at =
		arena_take(&run->world->arena, (UINT16_MAX / 64) * sizeof(*at));
	size_t count = 0;
	struct ranges domain;
	struct byte bytes[STATUS_BYTES];

	if (!at) {
		run->world->spent = true;
		return false;
	}
	for (uint32_t v = 0; v < IPS_DYING; v++)
		if ((v & ~open) == (set | expected))
			at[count++] = (struct range){ wide_of(v), wide_of(v) };
	domain = ranges_normalise(at, count);
	/* A number of 32 bits, of which only the lower half is used so far. */
	bytes_put_known(bytes, 2, NULL);
	bytes_put_symbol(bytes + 2, 2, world_symbol(run->world, &key, 2, &domain));
	bytes_swap(bytes, STATUS_BYTES, STATUS_BYTES);
	put(run, expr, bytes, STATUS_BYTES);
	return true;
}

/* The tuple of the connection, as if it were not translated: who is, ends elsewhere. */
static bool put_tuple(struct run *run, const struct model_expr *expr, bool port,
		      bool source)
{
	/* Original or, as the kernel counts directions, 1: reply. */
	bool reply = expr->number[1] == 1;
	bool client = source != reply;
	size_t count = port ? 2 : (run->packet->family == AF_INET ? 4 : 16);
	struct byte bytes[NAME_BYTES];

	if (run_is_reversed(run))
		client = !client;
	bytes_put_symbol(
		bytes, count,
		packet_symbol(run->packet, run->world,
			      port ? (client ? PACKET_CLIENT_PORT : PACKET_SERVER_PORT)
				   : (client ? PACKET_CLIENT : PACKET_SERVER)));
	put(run, expr, bytes, count);
	return true;
}

static bool put_zone(struct run *run, const struct model_expr *expr)
{
	if (!run->model->zones)
		return put_number(run, expr, 0, 2);
	return put_symbol(run, expr, PACKET_CT, NFT_CT_ZONE, true, 2);
}

/* net/netfilter/nft_ct.c, nft_ct_get_eval(): without a connection only the state is there. */
bool load_ct(struct run *run, const struct model_expr *expr)
{
	uint32_t key = expr->number[0];
	bool v4 = run->packet->family == AF_INET;

	run_ask(run);
	if (key == NFT_CT_STATE)
		return put_number(run, expr, run_state(run), 4);
	if (run->now.tracking != RUN_TRACKED)
		return false;
	switch (key) {
	case NFT_CT_DIRECTION:
		return put_number(run, expr, run_is_original(run) ? 0 : 1, 1);
	case NFT_CT_STATUS: return put_status(run, expr);
	case NFT_CT_MARK: put(run, expr, run->now.ct_mark, sizeof(uint32_t)); return true;
	/* Only what a helper expected has one: its name. */
	case NFT_CT_HELPER:
		return run_is_expected(run) &&
		       put_symbol(run, expr, PACKET_CT, key, true, NAME_BYTES);
	case NFT_CT_L3PROTOCOL:
		return put_number(run, expr, v4 ? NFPROTO_IPV4 : NFPROTO_IPV6, 1);
	case NFT_CT_PROTOCOL:
		return put_number(run, expr, run->packet->service->proto, 1);
	case NFT_CT_SRC: return put_tuple(run, expr, false, true);
	case NFT_CT_DST: return put_tuple(run, expr, false, false);
	case NFT_CT_SRC_IP: return v4 && put_tuple(run, expr, false, true);
	case NFT_CT_DST_IP: return v4 && put_tuple(run, expr, false, false);
	case NFT_CT_SRC_IP6: return !v4 && put_tuple(run, expr, false, true);
	case NFT_CT_DST_IP6: return !v4 && put_tuple(run, expr, false, false);
	case NFT_CT_PROTO_SRC: return put_tuple(run, expr, true, true);
	case NFT_CT_PROTO_DST: return put_tuple(run, expr, true, false);
	case NFT_CT_ZONE: return put_zone(run, expr);
	case NFT_CT_LABELS: return put_symbol(run, expr, PACKET_CT, key, true, 16);
	case NFT_CT_PKTS:
	case NFT_CT_BYTES:
	case NFT_CT_AVGPKT: return put_symbol(run, expr, PACKET_CT, key, false, 8);
	default: return put_symbol(run, expr, PACKET_CT, key, false, 4);
	}
}

/*
 * What the routes say; with the mark, which then is part of the question. A route that depends on it is
 * another for another one.
 */
static bool put_route(struct run *run, const struct model_expr *expr, size_t count)
{
	uint32_t what = MODEL_FIB << 8 | expr->number[0];

	if (expr->number[1] & NFTA_FIB_F_MARK)
		what ^= (uint32_t)bytes_digest(run->world, run->now.mark,
					       sizeof(uint32_t))
			<< 16;
	return put_symbol(run, expr, PACKET_OTHER, what, true, count);
}

/* net/ipv4/netfilter/nft_fib_ipv4.c; the types of linux/rtnetlink.h */
bool load_fib(struct run *run, const struct model_expr *expr)
{
	uint32_t result = expr->number[0], flags = expr->number[1];
	bool bound = flags & (NFTA_FIB_F_IIF | NFTA_FIB_F_OIF);
	bool source = flags & NFTA_FIB_F_SADDR;

	if (result == NFT_FIB_RESULT_ADDRTYPE && (!bound || !run_is_local(run, source)))
		return put_number(run, expr,
				  run_is_local(run, source) ? RTN_LOCAL : RTN_UNICAST, 4);
	if (flags & NFTA_FIB_F_PRESENT)
		return put_route(run, expr, 1);
	return put_route(run, expr,
			 result == NFT_FIB_RESULT_OIFNAME ? NAME_BYTES : INDEX_BYTES);
}

/* A header, option or association that may be missing. */
bool load_exthdr(struct run *run, const struct model_expr *expr)
{
	uint32_t what = MODEL_EXTHDR << 16 | expr->number[4] << 8 | expr->number[0];
	bool there = run_assume(run, FACT_HAS_HEADER, what);
	size_t count = expr->number[2];

	if (expr->number[3] & NFT_EXTHDR_F_PRESENT)
		return put_number(run, expr, there, 1);
	return there && count > 0 && count <= NAME_BYTES &&
	       put_symbol(run, expr, PACKET_OTHER, what, false, count);
}

bool load_payload(struct run *run, const struct model_expr *expr)
{
	size_t count = expr->number[2];
	struct byte bytes[MODEL_REGISTER_BYTES];

	if (count == 0 || count > sizeof(bytes) / sizeof(bytes[0]) ||
	    expr->number[1] > UINT16_MAX)
		return false;
	run_load(run, expr->number[0], expr->number[1], count, bytes);
	put(run, expr, bytes, count);
	return true;
}

/*
 * A hash of what registers hold is the same whenever they hold the same; other numbers
 * are new each time.
 */
bool load_number(struct run *run, const struct model_expr *expr)
{
	bool hash = expr->kind == MODEL_HASH;
	uint32_t modulus = expr->number[hash ? 1 : 0];
	uint32_t offset = expr->number[hash ? 3 : 2];
	struct world_key key = { PACKET_OTHER, expr->kind, expr->number[2],
				 run->packet->kind };
	struct range *range = arena_take(&run->world->arena, sizeof(*range));
	struct ranges domain = { range, 1 };
	struct byte bytes[NUMBER_BYTES];
	uint64_t digest = hash ? run_place(run) : run_visit(run);

	if (!range) {
		run->world->spent = true;
		return false;
	}
	if (hash && expr->source < MODEL_REGISTER_BYTES &&
	    expr->number[0] <= MODEL_REGISTER_BYTES - (size_t)expr->source) {
		digest = bytes_digest(run->world, run->registers + expr->source,
				      expr->number[0]);
		digest = (digest ^ modulus) * UINT64_C(0x100000001b3) ^ offset;
		key.c = PACKET_KINDS;
	}
	key.a ^= (uint32_t)(digest << 8);
	key.b ^= (uint32_t)(digest >> 32);
	*range = (struct range){ wide_of(offset),
				 wide_of((uint64_t)offset +
					 (modulus ? modulus - 1 : UINT32_MAX)) };
	/*
	 * The kernel refuses a range that wraps (-EOVERFLOW); of one all the same nothing
	 * is known.
	 */
	if (range->last.low > UINT32_MAX)
		*range = (struct range){ wide_of(0), wide_of(UINT32_MAX) };
	bytes_put_host_symbol(bytes, NUMBER_BYTES,
			      world_symbol(run->world, &key, NUMBER_BYTES, &domain));
	put(run, expr, bytes, NUMBER_BYTES);
	return true;
}

/*
 * What IPsec or a tunnel has done is the same for all packets that go one way. A socket may be the listener's first and then
 * the connection's own, fingerprints are of SYNs, and there is no route before the packet was routed.
 */
bool load_other(struct run *run, const struct model_expr *expr)
{
	bool of_way = expr->kind == MODEL_XFRM || expr->kind == MODEL_TUNNEL;
	uint32_t what = (uint32_t)expr->kind << 16 | (uint32_t)run->now.hook << 12 |
			(uint32_t)packet_is_request(run->packet) << 8 | expr->number[0];

	if (expr->to >= MODEL_REGISTER_BYTES ||
	    !(of_way ? run_assume_flow(run, FACT_HAS_OTHER, what)
		     : run_assume(run, FACT_HAS_OTHER, what)))
		return false;
	return put_symbol(run, expr, PACKET_OTHER, what, of_way, NAME_BYTES);
}
