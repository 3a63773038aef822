// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/survey.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/netconf.h>
#include <linux/rtnetlink.h>

#include "lib/nl.h"
#include "rules/ipsec.h"
#include "rules/proc.h"
#include "rules/surroundings.h"

enum { ATTEMPTS = 5, NAME_BYTES = 16, LOOPBACK_INDEX = 1 };

/* More of one kind are not looked at: then everything of it is possible. */
enum { RANGES_MAX = 4096 };

/* Ranges while they are collected. */
struct collection {
	struct range at[RANGES_MAX];
	size_t count;
	bool overflown;
};

struct reading {
	struct surroundings *out;
	uint8_t family;
	struct collection *first;
	struct collection *second;
};

static void collect(struct collection *collection, struct wide first, struct wide last)
{
	if (collection->count == RANGES_MAX)
		collection->overflown = true;
	else
		collection->at[collection->count++] = (struct range){ first, last };
}

static int keep(struct surroundings *out, struct collection *collection,
		struct ranges *ranges)
{
	struct ranges sorted = ranges_normalise(collection->at, collection->count);

	if (collection->overflown || !sorted.count)
		return 0;
	ranges->at =
		arena_copy(&out->arena, sorted.at, sorted.count * sizeof(*sorted.at));
	ranges->count = ranges->at ? sorted.count : 0;
	return ranges->at ? 0 : -ENOMEM;
}

/* The last address of the prefix that begins with first. */
static struct wide end_of_prefix(struct wide first, size_t bytes, unsigned bits)
{
	uint8_t data[sizeof(struct in6_addr)];

	wide_write(first, data, bytes);
	for (unsigned i = bits; i < 8 * bytes; i++)
		data[i / 8] |= (uint8_t)(0x80 >> i % 8);
	return wide_read(data, bytes);
}

static int route_cb(const struct nlmsghdr *message, void *data)
{
	const struct reading *reading = data;
	const struct rtmsg *route = mnl_nlmsg_get_payload(message);
	size_t bytes = reading->family == AF_INET ? 4 : 16;
	const struct nlattr *attr;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*route) ||
	    route->rtm_family != reading->family || route->rtm_type != RTN_LOCAL ||
	    route->rtm_table != RT_TABLE_LOCAL || route->rtm_dst_len > 8 * bytes)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, message, sizeof(*route)) {
		struct wide first;

		if (mnl_attr_get_type(attr) != RTA_DST ||
		    mnl_attr_get_payload_len(attr) != bytes)
			continue;
		first = wide_read(mnl_attr_get_payload(attr), bytes);
		collect(reading->first, first,
			end_of_prefix(first, bytes, route->rtm_dst_len));
	}
	return MNL_CB_OK;
}

/* What comes out of these keeps the mark of what carried it (net/core/skbuff.c, skb_scrub_packet()). */
static bool is_tunnel(const char *kind)
{
	static const char *const TUNNELS[] = {
		"amt",  "bareudp",   "erspan", "geneve",    "gre",    "gretap",
		"gtp",  "ip6erspan", "ip6gre", "ip6gretap", "ip6tnl", "ipip",
		"l2tp", "sit",       "vti",    "vti6",      "vxlan",  "xfrm"
	};

	for (size_t i = 0; i < sizeof(TUNNELS) / sizeof(TUNNELS[0]); i++)
		if (strcmp(TUNNELS[i], kind) == 0)
			return true;
	return false;
}

static void note_kind(const struct nlattr *info, bool up, struct surroundings *out)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, info) {
		if (mnl_attr_get_type(attr) != IFLA_INFO_KIND ||
		    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) < 0)
			continue;
		/* Some are there, but down, as soon as the kernel knows of the kind. */
		out->tunnels |= up && is_tunnel(mnl_attr_get_str(attr));
		out->ovs |= strncmp(mnl_attr_get_str(attr), "openvswitch",
				    mnl_attr_get_payload_len(attr)) == 0;
		out->bridge |= strncmp(mnl_attr_get_str(attr), "bridge",
				       mnl_attr_get_payload_len(attr)) == 0;
		/* Tunnels of IPsec, which go by the mark: vti, vti6. */
		out->marks_route |= strncmp(mnl_attr_get_str(attr), "vti", 3) == 0;
	}
}

static void note_xdp(const struct nlattr *xdp, struct surroundings *out)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, xdp)
		if (mnl_attr_get_type(attr) == IFLA_XDP_ATTACHED &&
		    mnl_attr_get_payload_len(attr) == 1)
			out->xdp |= mnl_attr_get_u8(attr) != 0;
}

/* Settings of IPv4, numbered from 1. */
static void note_settings(const struct nlattr *families, struct surroundings *out)
{
	const struct nlattr *family, *attr;
	uint32_t value;

	mnl_attr_for_each_nested(family, families) {
		if (mnl_attr_get_type(family) != AF_INET)
			continue;
		mnl_attr_for_each_nested(attr, family) {
			if (mnl_attr_get_type(attr) != IFLA_INET_CONF ||
			    mnl_attr_get_payload_len(attr) <
				    IPV4_DEVCONF_ROUTE_LOCALNET * sizeof(value))
				continue;
			memcpy(&value,
			       (const uint8_t *)mnl_attr_get_payload(attr) +
				       (IPV4_DEVCONF_ROUTE_LOCALNET - 1) * sizeof(value),
			       sizeof(value));
			out->localnet |= value != 0;
		}
	}
}

static void note_name(const struct nlattr *attr, const struct reading *reading)
{
	uint8_t name[NAME_BYTES] = { 0 };
	size_t bytes = mnl_attr_get_payload_len(attr);
	struct wide value;

	memcpy(name, mnl_attr_get_payload(attr),
	       bytes < NAME_BYTES ? bytes : NAME_BYTES - 1);
	value = wide_read(name, NAME_BYTES);
	if (strcmp((const char *)name, "lo") != 0)
		collect(reading->first, value, value);
}

static int link_cb(const struct nlmsghdr *message, void *data)
{
	const struct reading *reading = data;
	const struct ifinfomsg *link = mnl_nlmsg_get_payload(message);
	const struct nlattr *attr;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*link))
		return MNL_CB_OK;
	if (link->ifi_index > LOOPBACK_INDEX)
		collect(reading->second, wide_of((uint64_t)link->ifi_index),
			wide_of((uint64_t)link->ifi_index));
	mnl_attr_for_each(attr, message, sizeof(*link)) {
		switch (mnl_attr_get_type(attr)) {
		case IFLA_IFNAME: note_name(attr, reading); break;
		case IFLA_LINKINFO:
			note_kind(attr, link->ifi_flags & IFF_UP, reading->out);
			break;
		case IFLA_XDP: note_xdp(attr, reading->out); break;
		case IFLA_AF_SPEC: note_settings(attr, reading->out); break;
		case IFLA_LINK:
		case IFLA_MASTER: reading->out->stacked = true; break;
		default: break;
		}
	}
	return MNL_CB_OK;
}

static int rule_cb(const struct nlmsghdr *message, void *data)
{
	const struct reading *reading = data;
	const struct nlattr *attr;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(struct fib_rule_hdr))
		return MNL_CB_OK;
	/* A mark of 0 is told by its mask alone (net/core/fib_rules.c). */
	mnl_attr_for_each(attr, message, sizeof(struct fib_rule_hdr))
		if (mnl_attr_get_type(attr) == FRA_FWMARK ||
		    mnl_attr_get_type(attr) == FRA_FWMASK)
			reading->out->marks_route = true;
	return MNL_CB_OK;
}

/* Queues that have no classes and ask for no marks. */
static bool is_plain_queue(const char *kind)
{
	static const char *const PLAIN[] = { "noqueue",  "pfifo_fast", "pfifo", "bfifo",
					     "fq_codel", "fq",         "mq",    "codel" };

	for (size_t i = 0; i < sizeof(PLAIN) / sizeof(PLAIN[0]); i++)
		if (strcmp(PLAIN[i], kind) == 0)
			return true;
	return false;
}

/* Where filters are hung that see packets before or after all rules, BPF programs among them. */
static bool is_for_filters(const char *kind)
{
	return strcmp(kind, "clsact") == 0 || strcmp(kind, "ingress") == 0;
}

static int queue_cb(const struct nlmsghdr *message, void *data)
{
	const struct reading *reading = data;
	const struct nlattr *attr;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(struct tcmsg))
		return MNL_CB_OK;
	mnl_attr_for_each(attr, message, sizeof(struct tcmsg)) {
		if (mnl_attr_get_type(attr) != TCA_KIND ||
		    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) < 0)
			continue;
		reading->out->marks_queue |= !is_plain_queue(mnl_attr_get_str(attr));
		reading->out->filters |= is_for_filters(mnl_attr_get_str(attr));
	}
	return MNL_CB_OK;
}

/* Since kernel 6.17; its headers need not be here. */
enum { FORCE_FORWARDING = 11 };

/*
 * IPv4 is forwarded by each interface for itself (ip_route_input_slow()), IPv6 by all or none
 * (ip6_forward()), but for those that are forced.
 */
static int forwarding_cb(const struct nlmsghdr *message, void *data)
{
	const struct reading *reading = data;
	bool forwards = false, forced = false;
	const struct nlattr *attr;
	int32_t interface = 0;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(struct netconfmsg))
		return MNL_CB_OK;
	mnl_attr_for_each(attr, message, sizeof(struct netconfmsg)) {
		if (mnl_attr_get_payload_len(attr) != sizeof(uint32_t))
			continue;
		switch (mnl_attr_get_type(attr)) {
		case NETCONFA_IFINDEX: interface = (int32_t)mnl_attr_get_u32(attr); break;
		case NETCONFA_FORWARDING: forwards = mnl_attr_get_u32(attr); break;
		case FORCE_FORWARDING: forced = mnl_attr_get_u32(attr); break;
		default: break;
		}
	}
	/* The default is for interfaces that are to come. */
	if (interface == NETCONFA_IFINDEX_DEFAULT)
		return MNL_CB_OK;
	if (reading->family == AF_INET)
		reading->out->forwards4 |= forwards;
	else
		reading->out->forwards6 |=
			forced || (forwards && interface == NETCONFA_IFINDEX_ALL);
	return MNL_CB_OK;
}

/* One dump. What this kernel does not have is as if it were empty. */
static int dump(struct nl *route, uint16_t type, uint8_t family, mnl_cb_t cb,
		struct reading *reading)
{
	int err = -EINTR;

	for (int i = 0; err == -EINTR && i < ATTEMPTS; i++) {
		struct nlmsghdr *message = nl_begin(route, type, NLM_F_DUMP);
		struct rtmsg *request = mnl_nlmsg_put_extra_header(
			message, type == RTM_GETNETCONF ? sizeof(struct netconfmsg)
							: sizeof(*request));

		/* The family comes first in each of these headers. */
		request->rtm_family = family;
		if (type == RTM_GETROUTE) {
			request->rtm_table = RT_TABLE_LOCAL;
			request->rtm_type = RTN_LOCAL;
		}
		reading->family = family;
		reading->first->count = reading->second->count = 0;
		err = nl_transact(route, cb, reading);
	}
	return err == -ENOENT || err == -EAFNOSUPPORT || err == -EOPNOTSUPP ? 0 : err;
}

static int dump_queues(struct nl *route, struct reading *reading)
{
	int err = -EINTR;

	for (int i = 0; err == -EINTR && i < ATTEMPTS; i++) {
		struct nlmsghdr *message = nl_begin(route, RTM_GETQDISC, NLM_F_DUMP);

		mnl_nlmsg_put_extra_header(message, sizeof(struct tcmsg));
		err = nl_transact(route, queue_cb, reading);
	}
	return err == -EOPNOTSUPP ? 0 : err;
}

static int dump_links(struct nl *route, struct reading *reading)
{
	int err = -EINTR;

	for (int i = 0; err == -EINTR && i < ATTEMPTS; i++) {
		struct nlmsghdr *message = nl_begin(route, RTM_GETLINK, NLM_F_DUMP);

		mnl_nlmsg_put_extra_header(message, sizeof(struct ifinfomsg));
		reading->first->count = reading->second->count = 0;
		err = nl_transact(route, link_cb, reading);
	}
	return err;
}

static int read_routes(struct nl *route, struct reading *reading)
{
	struct surroundings *out = reading->out;
	int err = dump(route, RTM_GETROUTE, AF_INET, route_cb, reading);

	if (!err)
		err = keep(out, reading->first, &out->local4);
	if (!err)
		err = dump(route, RTM_GETROUTE, AF_INET6, route_cb, reading);
	if (!err)
		err = keep(out, reading->first, &out->local6);
	if (!err)
		err = dump(route, RTM_GETRULE, AF_INET, rule_cb, reading);
	return err ? err : dump(route, RTM_GETRULE, AF_INET6, rule_cb, reading);
}

static int read_forwarding(struct nl *route, struct reading *reading)
{
	int err = dump(route, RTM_GETNETCONF, AF_INET, forwarding_cb, reading);

	return err ? err : dump(route, RTM_GETNETCONF, AF_INET6, forwarding_cb, reading);
}

int survey_read(struct nl *route, const struct legacy *legacy, struct surroundings *out)
{
	/* For a while: ranges are copied out of them. */
	struct arena arena = { 0 };
	struct reading reading = {
		.out = out,
		.first = arena_take(&arena, sizeof(struct collection)),
		.second = arena_take(&arena, sizeof(struct collection)),
	};
	int err = reading.first && reading.second ? 0 : -ENOMEM;

	if (!err)
		err = read_routes(route, &reading);
	if (!err)
		err = read_forwarding(route, &reading);
	if (!err)
		err = dump_links(route, &reading);
	if (!err)
		err = dump_queues(route, &reading);
	if (!err)
		err = keep(out, reading.first, &out->names);
	if (!err)
		err = keep(out, reading.second, &out->indices);
	if (!err)
		err = ipsec_read(&out->marks_route, &out->tunnels);
	if (!err)
		err = proc_read(legacy, out);
	if (!err)
		out->surveyed = true;
	else
		surroundings_clear(out);
	arena_free(&arena);
	return err;
}
