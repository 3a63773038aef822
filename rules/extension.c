// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/extension.h"
#include "rules/run.h"

#include <linux/if_packet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/xt_addrtype.h>
#include <linux/netfilter/xt_connlimit.h>
#include <linux/netfilter/xt_connmark.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_iprange.h>
#include <linux/netfilter/xt_mark.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_pkttype.h>
#include <linux/netfilter/xt_state.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <string.h>

#include "rules/effect.h"
#include "rules/xtables.h"

/* What a fact is about. */
enum { FACT_MATCHES = 0x80, FACT_NOW, FACT_OPAQUE, FACT_OPTION };

enum { PORT_BYTES = 2, MARK_BYTES = 4, FLAGS_AT = 13 };

/* The answer of a match: yes, no, or that it cannot be read. */
enum answer { NO, YES, UNREADABLE };

static enum answer say(bool matches)
{
	return matches ? YES : NO;
}

/* Copies what the extension keeps; false if it is not so long. Padding may follow. */
static bool take(const struct model_expr *expr, void *info, size_t bytes)
{
	if (expr->value.bytes < bytes || expr->value.bytes > bytes + 64)
		return false;
	memcpy(info, expr->value.at, bytes);
	return true;
}

/* FNV-1a: two matches that keep the same ask the same. */
static uint64_t digest(const struct model_expr *expr)
{
	uint64_t state = UINT64_C(0xcbf29ce484222325);

	for (const char *c = expr->object; *c; c++)
		state = (state ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
	for (size_t i = 0; i < expr->value.bytes; i++)
		state = (state ^ expr->value.at[i]) * UINT64_C(0x100000001b3);
	return state;
}

static bool has_ports(const struct run *run)
{
	return packet_proto(run->packet) == run->packet->service->proto;
}

static bool port_within(struct run *run, bool source, uint16_t first, uint16_t last)
{
	const uint8_t low[] = { (uint8_t)(first >> 8), (uint8_t)first };
	const uint8_t high[] = { (uint8_t)(last >> 8), (uint8_t)last };
	struct byte port[PORT_BYTES];

	run_load(run, NFT_PAYLOAD_TRANSPORT_HEADER, source ? 0 : PORT_BYTES, PORT_BYTES,
		 port);
	return bytes_within(run->world, port, PORT_BYTES, low, high);
}

static enum answer match_udp(struct run *run, const struct model_expr *expr)
{
	struct xt_udp info;

	if (!take(expr, &info, sizeof(info)))
		return UNREADABLE;
	return say(has_ports(run) &&
		   port_within(run, true, info.spts[0], info.spts[1]) ==
			   !(info.invflags & XT_UDP_INV_SRCPT) &&
		   port_within(run, false, info.dpts[0], info.dpts[1]) ==
			   !(info.invflags & XT_UDP_INV_DSTPT));
}

static enum answer match_tcp(struct run *run, const struct model_expr *expr)
{
	struct xt_tcp info;
	struct byte flags;

	if (!take(expr, &info, sizeof(info)))
		return UNREADABLE;
	if (!has_ports(run) ||
	    port_within(run, true, info.spts[0], info.spts[1]) !=
		    !(info.invflags & XT_TCP_INV_SRCPT) ||
	    port_within(run, false, info.dpts[0], info.dpts[1]) !=
		    !(info.invflags & XT_TCP_INV_DSTPT))
		return NO;
	run_load(run, NFT_PAYLOAD_TRANSPORT_HEADER, FLAGS_AT, 1, &flags);
	flags.value &= info.flg_mask;
	flags.mask &= info.flg_mask;
	flags.is_symbol = flags.is_symbol && flags.mask;
	if (bytes_equal(run->world, &flags, 1, &info.flg_cmp) !=
	    !(info.invflags & XT_TCP_INV_FLAGS))
		return NO;
	return say(!info.option || run_assume(run, FACT_OPTION, info.option) ==
					   !(info.invflags & XT_TCP_INV_OPTION));
}

/* struct ipt_icmp and struct ip6t_icmp are the same. */
struct icmp_info {
	uint8_t type;
	uint8_t code[2];
	uint8_t inverse;
};

static enum answer match_icmp(struct run *run, const struct model_expr *expr)
{
	const uint8_t any = 0xff;
	struct icmp_info info;
	struct byte bytes[2];
	bool matches;

	if (!take(expr, &info, sizeof(info)))
		return UNREADABLE;
	if (!packet_is_error(run->packet))
		return NO;
	run_load(run, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 2, bytes);
	matches = (info.type == any && run->packet->family == AF_INET) ||
		  (bytes_equal(run->world, &bytes[0], 1, &info.type) &&
		   bytes_within(run->world, &bytes[1], 1, &info.code[0], &info.code[1]));
	return say(matches == !(info.inverse & 1));
}

static bool multiport(struct run *run, const struct xt_multiport_v1 *info, bool source)
{
	for (unsigned i = 0; i < info->count && i < XT_MULTI_PORTS; i++) {
		uint16_t first = info->ports[i], last = first;

		if (info->pflags[i] && i + 1 < XT_MULTI_PORTS)
			last = info->ports[++i];
		if (port_within(run, source, first, last))
			return true;
	}
	return false;
}

static enum answer match_multiport(struct run *run, const struct model_expr *expr)
{
	struct xt_multiport_v1 info = { 0 };
	bool matches;

	if (!take(expr, &info,
		  expr->number[0] == 0 ? sizeof(struct xt_multiport) : sizeof(info)) ||
	    info.count > XT_MULTI_PORTS || info.flags > XT_MULTIPORT_EITHER)
		return UNREADABLE;
	if (!has_ports(run))
		return NO;
	matches =
		(info.flags != XT_MULTIPORT_DESTINATION && multiport(run, &info, true)) ||
		(info.flags != XT_MULTIPORT_SOURCE && multiport(run, &info, false));
	return say(matches != !!info.invert);
}

/* Whether some bytes of a mark, under a mask, are a number; all in this host's order. */
static bool mark_is(struct run *run, const struct byte *mark, uint32_t mask,
		    uint32_t want)
{
	uint8_t masks[MARK_BYTES], wanted[MARK_BYTES];
	struct byte bytes[MARK_BYTES];

	memcpy(masks, &mask, sizeof(mask));
	memcpy(wanted, &want, sizeof(want));
	for (size_t i = 0; i < MARK_BYTES; i++) {
		bytes[i] = mark[i];
		bytes[i].value &= masks[i];
		bytes[i].mask &= masks[i];
		bytes[i].is_symbol = bytes[i].is_symbol && bytes[i].mask;
	}
	return bytes_equal(run->world, bytes, MARK_BYTES, wanted);
}

static enum answer match_mark(struct run *run, const struct model_expr *expr)
{
	struct xt_mark_mtinfo1 info;

	if (!take(expr, &info, sizeof(info)))
		return UNREADABLE;
	return say(mark_is(run, run->now.mark, info.mask, info.mark) == !info.invert);
}

/* xt_connmark.c: without a connection it does not match, inverted or not. */
static enum answer match_connmark(struct run *run, const struct model_expr *expr)
{
	struct xt_connmark_mtinfo1 info;

	if (!take(expr, &info, sizeof(info)))
		return UNREADABLE;
	run_ask(run);
	return say(run->now.tracking == RUN_TRACKED &&
		   mark_is(run, run->now.ct_mark, info.mask, info.mark) == !info.invert);
}

static bool address_within(struct run *run, bool source, const union nf_inet_addr *first,
			   const union nf_inet_addr *last)
{
	bool v4 = run->packet->family == AF_INET;
	size_t count = v4 ? 4 : 16;
	uint32_t at = v4 ? (source ? 12 : 16) : (source ? 8 : 24);
	struct byte address[sizeof(union nf_inet_addr)];

	run_load(run, NFT_PAYLOAD_NETWORK_HEADER, at, count, address);
	return bytes_within(run->world, address, count, first, last);
}

static enum answer match_iprange(struct run *run, const struct model_expr *expr)
{
	struct xt_iprange_mtinfo info;

	if (!take(expr, &info, sizeof(info)))
		return UNREADABLE;
	if (info.flags & IPRANGE_SRC &&
	    address_within(run, true, &info.src_min, &info.src_max) !=
		    !(info.flags & IPRANGE_SRC_INV))
		return NO;
	return say(!(info.flags & IPRANGE_DST) ||
		   address_within(run, false, &info.dst_min, &info.dst_max) ==
			   !(info.flags & IPRANGE_DST_INV));
}

static enum answer match_pkttype(struct run *run, const struct model_expr *expr)
{
	struct xt_pkttype_info info;

	if (!take(expr, &info, sizeof(info)))
		return UNREADABLE;
	return say((info.pkttype == PACKET_HOST) == !info.invert);
}

/* xt_addrtype.c; bound to an interface, an address of this host may be another's there. */
static bool has_type(struct run *run, bool source, uint16_t types, bool bound)
{
	bool local = run_is_local(run, source);

	if (local && bound)
		local = run_assume_flow(run, FACT_MATCHES, source);
	return types & (1U << (local ? RTN_LOCAL : RTN_UNICAST));
}

static enum answer match_addrtype(struct run *run, const struct model_expr *expr)
{
	struct xt_addrtype_info old;
	struct xt_addrtype_info_v1 info;
	bool bound;

	if (expr->number[0] == 0) {
		if (!take(expr, &old, sizeof(old)))
			return UNREADABLE;
		info = (struct xt_addrtype_info_v1){
			.source = old.source,
			.dest = old.dest,
			.flags = (old.invert_source ? XT_ADDRTYPE_INVERT_SOURCE : 0U) |
				 (old.invert_dest ? XT_ADDRTYPE_INVERT_DEST : 0U),
		};
	} else if (!take(expr, &info, sizeof(info))) {
		return UNREADABLE;
	}
	bound = info.flags & (XT_ADDRTYPE_LIMIT_IFACE_IN | XT_ADDRTYPE_LIMIT_IFACE_OUT);
	if (info.source && has_type(run, true, info.source, bound) !=
				   !(info.flags & XT_ADDRTYPE_INVERT_SOURCE))
		return NO;
	return say(!info.dest || has_type(run, false, info.dest, bound) ==
					 !(info.flags & XT_ADDRTYPE_INVERT_DEST));
}

/* What xt_conntrack keeps, of whichever revision, as far as it is asked for here. */
struct conntrack_info {
	uint16_t flags, inverse;
	uint16_t states, statuses;
	uint16_t proto;
	const union nf_inet_addr *addresses; /* pairs of address and mask */
};

static bool read_conntrack(const struct model_expr *expr,
			   struct xt_conntrack_mtinfo3 *raw, struct conntrack_info *out)
{
	struct xt_conntrack_mtinfo1 old;

	if (expr->number[0] == 1) {
		if (!take(expr, &old, sizeof(old)))
			return false;
		memcpy(raw, &old, offsetof(struct xt_conntrack_mtinfo1, state_mask));
		raw->state_mask = old.state_mask;
		raw->status_mask = old.status_mask;
	} else if (!take(expr, raw,
			 expr->number[0] == 2 ? sizeof(struct xt_conntrack_mtinfo2)
					      : sizeof(*raw))) {
		return false;
	}
	*out = (struct conntrack_info){
		.flags = raw->match_flags,
		.inverse = raw->invert_flags,
		.states = raw->state_mask,
		.statuses = raw->status_mask,
		.proto = raw->l4proto,
		.addresses = &raw->origsrc_addr,
	};
	return expr->number[0] >= 1 && expr->number[0] <= 3;
}

/* The bits of the state, of which NAT's are never set: what is translated is not followed. */
static uint16_t conntrack_state(struct run *run)
{
	return run->now.tracking == RUN_UNTRACKED ? XT_CONNTRACK_STATE_UNTRACKED
						  : (uint16_t)run_state(run);
}

/* Who is meant by the four tuples' ends, in the order of the structure. */
static enum packet_field conntrack_end(struct run *run, unsigned which)
{
	/* Original source, original destination, reply source, reply destination. */
	bool client = which == 0 || which == 3;

	if (run_is_reversed(run))
		client = !client;
	return client ? PACKET_CLIENT : PACKET_SERVER;
}

static bool conntrack_address(struct run *run, const struct conntrack_info *info,
			      unsigned which)
{
	size_t count = run->packet->family == AF_INET ? 4 : 16;
	const uint8_t *want = (const uint8_t *)&info->addresses[2 * which];
	const uint8_t *mask = (const uint8_t *)&info->addresses[2 * which + 1];
	struct byte bytes[sizeof(union nf_inet_addr)];
	uint8_t masked[sizeof(union nf_inet_addr)];

	bytes_put_symbol(
		bytes, count,
		packet_symbol(run->packet, run->world, conntrack_end(run, which)));
	for (size_t i = 0; i < count; i++) {
		bytes[i].mask &= mask[i];
		bytes[i].is_symbol = bytes[i].mask;
		masked[i] = want[i] & mask[i];
	}
	return bytes_equal(run->world, bytes, count, masked);
}

/* What it asks of a connection beyond the state, which all must be so. */
static bool conntrack_rest(struct run *run, const struct model_expr *expr,
			   const struct conntrack_info *info)
{
	const unsigned plain = XT_CONNTRACK_STATE | XT_CONNTRACK_STATE_ALIAS |
			       XT_CONNTRACK_PROTO | XT_CONNTRACK_DIRECTION |
			       XT_CONNTRACK_ORIGSRC | XT_CONNTRACK_ORIGDST |
			       XT_CONNTRACK_REPLSRC | XT_CONNTRACK_REPLDST;

	if (info->flags & XT_CONNTRACK_DIRECTION &&
	    run_is_original(run) != !(info->inverse & XT_CONNTRACK_DIRECTION))
		return false;
	if (info->flags & XT_CONNTRACK_PROTO &&
	    (info->proto == run->packet->service->proto) !=
		    !(info->inverse & XT_CONNTRACK_PROTO))
		return false;
	for (unsigned i = 0; i < 4; i++) {
		unsigned flag = (unsigned)XT_CONNTRACK_ORIGSRC << i;

		if (info->flags & flag &&
		    conntrack_address(run, info, i) != !(info->inverse & flag))
			return false;
	}
	/* Ports, status, expiry: so or not. */
	return !(info->flags & ~plain) || run_assume(run, FACT_NOW, digest(expr));
}

/* xt_conntrack.c, conntrack_mt(): without a connection only the state can match. */
static enum answer match_conntrack(struct run *run, const struct model_expr *expr)
{
	struct xt_conntrack_mtinfo3 raw = { 0 };
	struct conntrack_info info;

	if (!read_conntrack(expr, &raw, &info))
		return UNREADABLE;
	run_ask(run);
	if (info.flags & XT_CONNTRACK_STATE &&
	    !!(info.states & conntrack_state(run)) !=
		    !(info.inverse & XT_CONNTRACK_STATE))
		return NO;
	if (run->now.tracking != RUN_TRACKED)
		return say(info.flags & XT_CONNTRACK_STATE);
	return say(conntrack_rest(run, expr, &info));
}

static enum answer match_state(struct run *run, const struct model_expr *expr)
{
	struct xt_state_info info;
	uint32_t bit;

	if (!take(expr, &info, sizeof(info)))
		return UNREADABLE;
	run_ask(run);
	bit = run->now.tracking == RUN_UNTRACKED ? XT_STATE_UNTRACKED : run_state(run);
	return say(info.statemask & bit);
}

static enum answer match_connlimit(struct run *run, const struct model_expr *expr)
{
	struct xt_connlimit_info info;

	if (!take(expr, &info, offsetof(struct xt_connlimit_info, data)))
		return UNREADABLE;
	return say(effect_connlimit(run, !(info.flags & XT_CONNLIMIT_INVERT),
				    digest(expr)) == MODEL_CONTINUE);
}

/* Others that need a connection. */
static enum answer match_connection(struct run *run, const struct model_expr *expr)
{
	run_ask(run);
	return say(run->now.tracking == RUN_TRACKED &&
		   run_assume(run, FACT_NOW, digest(expr)));
}

static enum answer match_helper(struct run *run, const struct model_expr *expr)
{
	run_ask(run);
	return say(run->now.tracking == RUN_TRACKED && run_is_expected(run) &&
		   run_assume_flow(run, FACT_MATCHES, digest(expr)));
}

static enum answer match_always(struct run *run, const struct model_expr *expr)
{
	return YES;
}

/* Can be so or not, for each packet anew, wherever it is asked. */
static enum answer match_now(struct run *run, const struct model_expr *expr)
{
	return say(run_assume(run, FACT_NOW, digest(expr) ^ run_place(run)));
}

/* The same, and it remembers the packet. */
static enum answer match_recent(struct run *run, const struct model_expr *expr)
{
	run_note(run, RUN_SET_CHANGE, run_place(run));
	return match_now(run, expr);
}

/*
 * Known to have nothing to do with tracking. So or not: for all packets of the conversation in this
 * direction if it asks who they come from and where they go; a length or a payload is a packet's own.
 */
static enum answer match_constant(struct run *run, const struct model_expr *expr)
{
	static const char *const ENDS[] = { "cgroup",   "devgroup", "eui64",  "mac",
					    "owner",    "physdev",  "policy", "realm",
					    "rpfilter", "set",      "socket" };
	bool request = packet_is_request(run->packet);

	for (size_t i = 0; i < sizeof(ENDS) / sizeof(ENDS[0]); i++)
		if (strcmp(ENDS[i], expr->object) == 0)
			return say(run_assume_flow(run, FACT_MATCHES,
						   digest(expr) ^ request));
	return say(run_assume(run, FACT_MATCHES, digest(expr)));
}

static const struct {
	const char *name;
	enum answer (*match)(struct run *, const struct model_expr *);
} MATCHES[] = {
	{ "addrtype", match_addrtype },
	{ "cluster", match_connection },
	{ "comment", match_always },
	{ "connbytes", match_connection },
	{ "connlabel", match_connection },
	{ "connlimit", match_connlimit },
	{ "connmark", match_connmark },
	{ "conntrack", match_conntrack },
	{ "hashlimit", match_now },
	{ "helper", match_helper },
	{ "icmp", match_icmp },
	{ "icmp6", match_icmp },
	{ "iprange", match_iprange },
	{ "limit", match_now },
	{ "mark", match_mark },
	{ "multiport", match_multiport },
	{ "nfacct", match_always },
	{ "pkttype", match_pkttype },
	{ "quota", match_now },
	{ "recent", match_recent },
	{ "state", match_state },
	{ "statistic", match_now },
	{ "tcp", match_tcp },
	{ "udp", match_udp },
};

static enum answer ask(struct run *run, const struct model_expr *expr)
{
	for (size_t i = 0; i < sizeof(MATCHES) / sizeof(MATCHES[0]); i++)
		if (strcmp(MATCHES[i].name, expr->object) == 0)
			return MATCHES[i].match(run, expr);
	/* What asks for tracking and is not in the table above is not understood. */
	if (xtables_match_effects(expr->object) & MODEL_ASKS_CT)
		return UNREADABLE;
	return match_constant(run, expr);
}

enum model_verdict_code extension_match(struct run *run, const struct model_expr *expr)
{
	enum answer answer = ask(run, expr);

	if (answer == UNREADABLE) {
		run_ask(run);
		run_note(run, RUN_OPAQUE, run_place(run));
		answer = say(run_assume(run, FACT_OPAQUE, run_place(run)));
	}
	return answer == YES ? MODEL_CONTINUE : MODEL_BREAK;
}
