// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/flow.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "conntrack/addresses.h"
#include "lib/service.h"

/*
 * Attributes by type, up to the last that is of interest: of an entry, and of what is nested in
 * it. Small, as it is cleared six times for each flow.
 */
struct index {
	const struct nlattr *by_type[CTA_ZONE + 1];
};

/* No nest that is read has a higher number of interest than addresses have. */
struct nested {
	const struct nlattr *by_type[CTA_IP_V6_DST + 1];
};

/* Returns -EBADMSG if an attribute runs past the end: libmnl's iterators stop in silence. */
static int index_attributes(const void *payload, size_t bytes,
			    const struct nlattr **by_type, size_t types)
{
	const struct nlattr *attr = payload;
	int left = (int)bytes;

	memset(by_type, 0, types * sizeof(*by_type));
	while (mnl_attr_ok(attr, left)) {
		uint16_t type = mnl_attr_get_type(attr);

		/*
		 * Of a type that comes twice the last counts, as in the kernel's own nla_parse().
		 */
		if (type < types)
			by_type[type] = attr;
		left -= MNL_ALIGN(attr->nla_len);
		attr = mnl_attr_next(attr);
	}
	/* Below 0 if the last one came without its padding, which is no harm. */
	return left > 0 ? -EBADMSG : 0;
}

static int index_nested(const struct nlattr *nest, struct nested *out)
{
	if (!nest)
		return -EBADMSG;
	return index_attributes(mnl_attr_get_payload(nest),
				mnl_attr_get_payload_len(nest), out->by_type,
				MNL_ARRAY_SIZE(out->by_type));
}

/* Copies a value of exactly that size. */
static int get_value(const struct nlattr *attr, void *value, size_t bytes)
{
	if (!attr || mnl_attr_get_payload_len(attr) != bytes)
		return -EBADMSG;
	memcpy(value, mnl_attr_get_payload(attr), bytes);
	return 0;
}

/* The same for what a message may lack: then the value stays as it is. */
static int get_optional(const struct nlattr *attr, void *value, size_t bytes)
{
	return attr ? get_value(attr, value, bytes) : 0;
}

static int parse_addresses(const struct nlattr *nest, uint8_t family,
			   struct flow_tuple *tuple)
{
	bool v4 = family == AF_INET;
	size_t bytes = v4 ? sizeof(tuple->src.v4) : sizeof(tuple->src.v6);
	struct nested ip;
	int err = index_nested(nest, &ip);

	if (!err)
		err = get_value(ip.by_type[v4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC],
				&tuple->src, bytes);
	if (!err)
		err = get_value(ip.by_type[v4 ? CTA_IP_V4_DST : CTA_IP_V6_DST],
				&tuple->dst, bytes);
	return err;
}

/* Protocols without ports have identifiers of their own kind, or nothing: their ports are 0. */
static int parse_proto(const struct nlattr *nest, uint8_t *proto,
		       struct flow_tuple *tuple)
{
	uint16_t src = 0, dst = 0;
	struct nested l4;
	int err = index_nested(nest, &l4);

	if (!err)
		err = get_value(l4.by_type[CTA_PROTO_NUM], proto, sizeof(*proto));
	if (!err)
		err = get_optional(l4.by_type[CTA_PROTO_SRC_PORT], &src, sizeof(src));
	if (!err)
		err = get_optional(l4.by_type[CTA_PROTO_DST_PORT], &dst, sizeof(dst));
	if (err)
		return err;
	tuple->src_port = ntohs(src);
	tuple->dst_port = ntohs(dst);
	return 0;
}

/* The tuple's zone, of one direction alone, goes to *zone. */
static int parse_tuple(const struct nlattr *nest, const struct flow *flow, uint8_t *proto,
		       struct flow_tuple *tuple, uint16_t *zone)
{
	struct nested attrs;
	uint16_t value = 0;
	int err = index_nested(nest, &attrs);

	if (!err)
		err = parse_addresses(attrs.by_type[CTA_TUPLE_IP], flow->family, tuple);
	if (!err)
		err = parse_proto(attrs.by_type[CTA_TUPLE_PROTO], proto, tuple);
	if (!err)
		err = get_optional(attrs.by_type[CTA_TUPLE_ZONE], &value, sizeof(value));
	if (!err)
		*zone = ntohs(value);
	return err;
}

static int parse_tuples(const struct index *attrs, struct flow *flow)
{
	uint16_t reply_zone;
	uint8_t reply_proto;
	int err;

	err = parse_tuple(attrs->by_type[CTA_TUPLE_ORIG], flow, &flow->proto, &flow->orig,
			  &flow->orig_zone);
	if (!err)
		err = parse_tuple(attrs->by_type[CTA_TUPLE_REPLY], flow, &reply_proto,
				  &flow->reply, &reply_zone);
	if (!err && reply_proto != flow->proto)
		err = -EBADMSG;
	return err;
}

/*
 * What the kernel picks up in the middle it is liberal about, in both directions, for it does not know
 * how windows scale there (tcp_new() in net/netfilter/nf_conntrack_proto_tcp.c); so it is, later, about
 * what a flow table has taken over.
 */
static int parse_tcp(const struct nlattr *nest, struct flow *flow)
{
	struct nf_ct_tcp_flags flags = { .flags = IP_CT_TCP_FLAG_BE_LIBERAL };
	struct nested info, tcp;
	int err;

	if (!nest)
		return 0;
	err = index_nested(nest, &info);
	if (err || !info.by_type[CTA_PROTOINFO_TCP])
		return err;
	err = index_nested(info.by_type[CTA_PROTOINFO_TCP], &tcp);
	if (err)
		return err;
	err = get_optional(tcp.by_type[CTA_PROTOINFO_TCP_STATE], &flow->tcp_state,
			   sizeof(flow->tcp_state));
	if (!err)
		err = get_optional(tcp.by_type[CTA_PROTOINFO_TCP_FLAGS_ORIGINAL], &flags,
				   sizeof(flags));
	flow->handshake = !(flags.flags & IP_CT_TCP_FLAG_BE_LIBERAL);
	return err;
}

static int parse_details(const struct index *attrs, struct flow *flow)
{
	uint32_t status = 0, timeout = 0, id = 0;
	uint16_t zone = 0;
	int err;

	err = get_optional(attrs->by_type[CTA_STATUS], &status, sizeof(status));
	if (!err)
		err = get_optional(attrs->by_type[CTA_TIMEOUT], &timeout,
				   sizeof(timeout));
	if (!err)
		err = get_optional(attrs->by_type[CTA_ID], &id, sizeof(id));
	if (!err)
		err = get_optional(attrs->by_type[CTA_ZONE], &zone, sizeof(zone));
	if (!err)
		err = parse_tcp(attrs->by_type[CTA_PROTOINFO], flow);
	flow->status = ntohl(status);
	flow->timeout_s = ntohl(timeout);
	flow->id = ntohl(id);
	flow->zone = ntohs(zone);
	return err;
}

int flow_parse(const struct nlmsghdr *message, struct flow *out)
{
	const struct nfgenmsg *header = mnl_nlmsg_get_payload(message);
	size_t bytes = mnl_nlmsg_get_payload_len(message);
	struct flow flow = { 0 };
	struct index attrs;
	int err;

	if (message->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(*header) ||
	    message->nlmsg_type != (NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW))
		return -EBADMSG;
	flow.family = header->nfgen_family;
	if (flow.family != AF_INET && flow.family != AF_INET6)
		return -EBADMSG;
	err = index_attributes(header + 1, bytes - sizeof(*header), attrs.by_type,
			       MNL_ARRAY_SIZE(attrs.by_type));
	if (!err)
		err = parse_tuples(&attrs, &flow);
	if (!err)
		err = parse_details(&attrs, &flow);
	if (!err)
		*out = flow;
	return err;
}

bool flow_replied(const struct flow *flow)
{
	return flow->status & IPS_SEEN_REPLY;
}

bool flow_assured(const struct flow *flow)
{
	return flow->status & IPS_ASSURED;
}

bool flow_is_nat(const struct flow *flow)
{
	return flow->status & IPS_NAT_MASK;
}

bool flow_same_address(uint8_t family, const void *a, const void *b)
{
	return memcmp(a, b,
		      family == AF_INET ? sizeof(struct in_addr)
					: sizeof(struct in6_addr)) == 0;
}

/* A flow from a service's port to a client's has, most likely, its two ends swapped. */
bool flow_ends_swapped(uint16_t src_port, uint16_t dst_port)
{
	return src_port < FLOW_EPHEMERAL_FIRST && dst_port >= FLOW_EPHEMERAL_FIRST;
}

/* Whether one end of a flow is the service's. */
static bool end_matches(const struct flow *flow, const struct service *service,
			const union flow_address *address, uint16_t port)
{
	if (port < service->first_port || port > service->last_port)
		return false;
	if (service->family == AF_UNSPEC)
		return true;
	return service->family == flow->family &&
	       flow_same_address(flow->family, address, &service->addr);
}

bool flow_of_service(const struct flow *flow, const struct service *service,
		     const struct addresses *local)
{
	const struct flow_tuple *orig = &flow->orig;
	bool to_port;

	if (flow->proto != service->proto)
		return false;
	/* The ports first: they tell most flows apart, and cost least. */
	to_port = end_matches(flow, service, &orig->dst, orig->dst_port);
	if (service->outbound)
		return to_port && addresses_have(local, flow->family, &orig->src) &&
		       !addresses_have(local, flow->family, &orig->dst);
	if (to_port && addresses_have(local, flow->family, &orig->dst))
		return true;
	return flow_ends_swapped(orig->src_port, orig->dst_port) &&
	       end_matches(flow, service, &orig->src, orig->src_port) &&
	       addresses_have(local, flow->family, &orig->src);
}
