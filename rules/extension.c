// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/extension.h"
#include "rules/run.h"

#include <linux/if_packet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/xt_addrtype.h>
#include <linux/netfilter/xt_connmark.h>
#include <linux/netfilter/xt_iprange.h>
#include <linux/netfilter/xt_mark.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_pkttype.h>
#include <linux/netfilter/xt_rpfilter.h>
#include <linux/netfilter/xt_set.h>
#include <linux/netfilter/xt_socket.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <string.h>

#include "rules/ctmatch.h"
#include "rules/xtables.h"
#include "rules/xtinfo.h"

enum { PORT_BYTES = 2, MARK_BYTES = 4, FLAGS_AT = 13 };

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

static enum xtinfo_answer match_udp(struct run *run, const struct model_expr *expr)
{
	struct xt_udp info;

	if (!xtinfo_take(expr, &info, sizeof(info)))
		return XTINFO_UNREADABLE;
	return xtinfo_say(has_ports(run) &&
			  port_within(run, true, info.spts[0], info.spts[1]) ==
				  !(info.invflags & XT_UDP_INV_SRCPT) &&
			  port_within(run, false, info.dpts[0], info.dpts[1]) ==
				  !(info.invflags & XT_UDP_INV_DSTPT));
}

static enum xtinfo_answer match_tcp(struct run *run, const struct model_expr *expr)
{
	struct xt_tcp info;
	struct byte flags;

	if (!xtinfo_take(expr, &info, sizeof(info)))
		return XTINFO_UNREADABLE;
	if (!has_ports(run) ||
	    port_within(run, true, info.spts[0], info.spts[1]) !=
		    !(info.invflags & XT_TCP_INV_SRCPT) ||
	    port_within(run, false, info.dpts[0], info.dpts[1]) !=
		    !(info.invflags & XT_TCP_INV_DSTPT))
		return XTINFO_NO;
	run_load(run, NFT_PAYLOAD_TRANSPORT_HEADER, FLAGS_AT, 1, &flags);
	flags.value &= info.flg_mask;
	flags.mask &= info.flg_mask;
	flags.is_symbol = flags.is_symbol && flags.mask;
	if (bytes_equal(run->world, &flags, 1, &info.flg_cmp) !=
	    !(info.invflags & XT_TCP_INV_FLAGS))
		return XTINFO_NO;
	return xtinfo_say(!info.option ||
			  run_assume(run, XTINFO_FACT_OPTION, info.option) ==
				  !(info.invflags & XT_TCP_INV_OPTION));
}

/* struct ipt_icmp and struct ip6t_icmp are the same. */
struct icmp_info {
	uint8_t type;
	uint8_t code[2];
	uint8_t inverse;
};

static enum xtinfo_answer match_icmp(struct run *run, const struct model_expr *expr)
{
	const uint8_t any = 0xff;
	struct icmp_info info;
	struct byte bytes[2];
	bool matches;

	if (!xtinfo_take(expr, &info, sizeof(info)))
		return XTINFO_UNREADABLE;
	if (!packet_is_error(run->packet))
		return XTINFO_NO;
	run_load(run, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 2, bytes);
	matches = (info.type == any && run->packet->family == AF_INET) ||
		  (bytes_equal(run->world, &bytes[0], 1, &info.type) &&
		   bytes_within(run->world, &bytes[1], 1, &info.code[0], &info.code[1]));
	return xtinfo_say(matches == !(info.inverse & 1));
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

static enum xtinfo_answer match_multiport(struct run *run, const struct model_expr *expr)
{
	struct xt_multiport_v1 info = { 0 };
	bool matches;

	if (!xtinfo_take(expr, &info,
			 expr->number[0] == 0 ? sizeof(struct xt_multiport)
					      : sizeof(info)) ||
	    info.count > XT_MULTI_PORTS || info.flags > XT_MULTIPORT_EITHER)
		return XTINFO_UNREADABLE;
	if (!has_ports(run))
		return XTINFO_NO;
	matches =
		(info.flags != XT_MULTIPORT_DESTINATION && multiport(run, &info, true)) ||
		(info.flags != XT_MULTIPORT_SOURCE && multiport(run, &info, false));
	return xtinfo_say(matches != !!info.invert);
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

static enum xtinfo_answer match_mark(struct run *run, const struct model_expr *expr)
{
	struct xt_mark_mtinfo1 info;

	if (!xtinfo_take(expr, &info, sizeof(info)))
		return XTINFO_UNREADABLE;
	return xtinfo_say(mark_is(run, run->now.mark, info.mask, info.mark) ==
			  !info.invert);
}

/* xt_connmark.c: without a connection it does not match, inverted or not. */
static enum xtinfo_answer match_connmark(struct run *run, const struct model_expr *expr)
{
	struct xt_connmark_mtinfo1 info;

	if (!xtinfo_take(expr, &info, sizeof(info)))
		return XTINFO_UNREADABLE;
	run_ask(run);
	return xtinfo_say(run->now.tracking == RUN_TRACKED &&
			  mark_is(run, run->now.ct_mark, info.mask, info.mark) ==
				  !info.invert);
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

static enum xtinfo_answer match_iprange(struct run *run, const struct model_expr *expr)
{
	struct xt_iprange_mtinfo info;

	if (!xtinfo_take(expr, &info, sizeof(info)))
		return XTINFO_UNREADABLE;
	if (info.flags & IPRANGE_SRC &&
	    address_within(run, true, &info.src_min, &info.src_max) !=
		    !(info.flags & IPRANGE_SRC_INV))
		return XTINFO_NO;
	return xtinfo_say(!(info.flags & IPRANGE_DST) ||
			  address_within(run, false, &info.dst_min, &info.dst_max) ==
				  !(info.flags & IPRANGE_DST_INV));
}

/*
 * Can be so or not, for each packet anew, wherever it is asked. What several rules call the same, or come to, is one limit.
 */
static enum xtinfo_answer match_now(struct run *run, const struct model_expr *expr)
{
	if (expr->shares)
		run_note(run, RUN_USES_UP, 0);
	return xtinfo_say(
		run_assume(run, XTINFO_FACT_NOW, xtinfo_digest(expr) ^ run_visit(run)));
}

static enum xtinfo_answer match_pkttype(struct run *run, const struct model_expr *expr)
{
	struct xt_pkttype_info info;

	if (!xtinfo_take(expr, &info, sizeof(info)))
		return XTINFO_UNREADABLE;
	if (run->now.classed)
		return match_now(run, expr);
	return xtinfo_say((info.pkttype == PACKET_HOST) == !info.invert);
}

/* What over IPv6 is asked of the routes. */
enum {
	ROUTED_TYPES = XT_ADDRTYPE_LOCAL | XT_ADDRTYPE_ANYCAST | XT_ADDRTYPE_UNREACHABLE |
		       XT_ADDRTYPE_PROHIBIT
};

/*
 * xt_addrtype.c; bound to an interface, an address of this host may be another's there. Over IPv6 this host's addresses
 * are "unicast", too (match_type6()).
 */
static bool has_type(struct run *run, bool source, uint16_t types, bool bound)
{
	bool local = run_is_local(run, source);

	if (local && bound)
		local = run_assume_flow(run, XTINFO_FACT_MATCHES, source);
	if (run->packet->family == AF_INET6)
		return (types & ROUTED_TYPES) ? local && (types & XT_ADDRTYPE_LOCAL)
					      : (types & XT_ADDRTYPE_UNICAST);
	return types & (1U << (local ? RTN_LOCAL : RTN_UNICAST));
}

static enum xtinfo_answer match_addrtype(struct run *run, const struct model_expr *expr)
{
	struct xt_addrtype_info old;
	struct xt_addrtype_info_v1 info;
	bool bound;

	if (expr->number[0] == 0) {
		if (!xtinfo_take(expr, &old, sizeof(old)))
			return XTINFO_UNREADABLE;
		info = (struct xt_addrtype_info_v1){
			.source = old.source,
			.dest = old.dest,
			.flags = (old.invert_source ? XT_ADDRTYPE_INVERT_SOURCE : 0U) |
				 (old.invert_dest ? XT_ADDRTYPE_INVERT_DEST : 0U),
		};
	} else if (!xtinfo_take(expr, &info, sizeof(info))) {
		return XTINFO_UNREADABLE;
	}
	bound = info.flags & (XT_ADDRTYPE_LIMIT_IFACE_IN | XT_ADDRTYPE_LIMIT_IFACE_OUT);
	if (info.source && has_type(run, true, info.source, bound) !=
				   !(info.flags & XT_ADDRTYPE_INVERT_SOURCE))
		return XTINFO_NO;
	return xtinfo_say(!info.dest || has_type(run, false, info.dest, bound) ==
						!(info.flags & XT_ADDRTYPE_INVERT_DEST));
}

static enum xtinfo_answer match_always(struct run *run, const struct model_expr *expr)
{
	return XTINFO_YES;
}

/* The same as match_now(), and it remembers the packet. */
static enum xtinfo_answer match_recent(struct run *run, const struct model_expr *expr)
{
	run_note(run, RUN_SET_CHANGE, run_place(run));
	return match_now(run, expr);
}

/* The route back may depend on the mark, and sets with two fields, as those of hash:ip,mark; programs may read it. */
static bool asks_mark(const struct model_expr *expr)
{
	struct xt_set_info set;

	if (strcmp(expr->object, "bpf") == 0)
		return true;
	if (strcmp(expr->object, "rpfilter") == 0)
		return expr->value.bytes && expr->value.at[0] & XT_RPFILTER_VALID_MARK;
	if (strcmp(expr->object, "set") != 0 || expr->value.bytes < sizeof(set))
		return false;
	memcpy(&set, expr->value.at, sizeof(set));
	return expr->number[0] == 0 || set.dim > 1;
}

/*
 * Known to have nothing to do with tracking. So or not: for all packets of the conversation in this
 * direction if it asks who they come from and where they go; a length or a payload is a packet's own, and so is the
 * socket, which is the listener's first, and nobody's yet for a control group.
 */
static enum xtinfo_answer match_constant(struct run *run, const struct model_expr *expr)
{
	static const char *const ENDS[] = { "devgroup", "eui64",    "mac",
					    "owner",    "physdev",  "policy",
					    "realm",    "rpfilter", "set" };
	bool request = packet_is_request(run->packet);
	uint64_t state = xtinfo_digest(expr) ^ request;

	/* What packets add to a set of ipset has most often an end. */
	if (run->model->fills && strcmp(expr->object, "set") == 0)
		state ^= (uint64_t)run_is_opening(run) << 1;
	if (asks_mark(expr))
		state ^= bytes_digest(run->world, run->now.mark, MARK_BYTES);
	for (size_t i = 0; i < sizeof(ENDS) / sizeof(ENDS[0]); i++)
		if (strcmp(ENDS[i], expr->object) == 0)
			return xtinfo_say(
				run_assume_flow(run, XTINFO_FACT_MATCHES, state));
	return xtinfo_say(
		run_assume(run, XTINFO_FACT_MATCHES, state ^ run_rewritten(run) << 32));
}

/* A match that may give the packet the mark of the socket that it is for (xt_socket.c). */
static enum xtinfo_answer match_socket(struct run *run, const struct model_expr *expr)
{
	const struct world_key key = { PACKET_META, NFT_META_MARK, 0, PACKET_KINDS };
	enum xtinfo_answer answer = match_constant(run, expr);

	if (answer == XTINFO_YES && expr->value.bytes &&
	    expr->value.at[0] & XT_SOCKET_RESTORESKMARK) {
		bytes_put_host_symbol(run->now.mark, MARK_BYTES,
				      world_symbol(run->world, &key, MARK_BYTES, NULL));
		run->now.mark_rule = run->rule;
	}
	return answer;
}

static const struct {
	const char *name;
	enum xtinfo_answer (*match)(struct run *, const struct model_expr *);
} MATCHES[] = {
	{ "addrtype", match_addrtype },
	{ "cluster", ctmatch_connection },
	{ "comment", match_always },
	{ "connbytes", ctmatch_connection },
	{ "connlabel", ctmatch_connection },
	{ "connlimit", ctmatch_connlimit },
	{ "connmark", match_connmark },
	{ "conntrack", ctmatch_conntrack },
	{ "hashlimit", match_now },
	{ "helper", ctmatch_helper },
	{ "icmp", match_icmp },
	{ "icmp6", match_icmp },
	{ "iprange", match_iprange },
	{ "limit", match_now },
	{ "mark", match_mark },
	{ "multiport", match_multiport },
	{ "nfacct", match_now },
	{ "pkttype", match_pkttype },
	{ "quota", match_now },
	{ "recent", match_recent },
	{ "socket", match_socket },
	{ "state", ctmatch_state },
	{ "statistic", match_now },
	{ "tcp", match_tcp },
	{ "udp", match_udp },
};

static enum xtinfo_answer ask(struct run *run, const struct model_expr *expr)
{
	for (size_t i = 0; i < sizeof(MATCHES) / sizeof(MATCHES[0]); i++)
		if (strcmp(MATCHES[i].name, expr->object) == 0)
			return MATCHES[i].match(run, expr);
	/* What asks for tracking and is not in the table above is not understood. */
	if (xtables_match_effects(expr->object) & MODEL_ASKS_CT)
		return XTINFO_UNREADABLE;
	return match_constant(run, expr);
}

enum model_verdict_code extension_match(struct run *run, const struct model_expr *expr)
{
	enum xtinfo_answer answer = ask(run, expr);

	if (answer == XTINFO_UNREADABLE) {
		run_ask(run);
		run_note(run, RUN_OPAQUE, run_place(run));
		answer = xtinfo_say(run_assume(run, XTINFO_FACT_OPAQUE, run_place(run)));
	}
	return answer == XTINFO_YES ? MODEL_CONTINUE : MODEL_BREAK;
}
