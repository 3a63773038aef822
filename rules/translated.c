// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/translated.h"

#include <netinet/in.h>
#include <string.h>

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "lib/nl.h"
#include "lib/service.h"
#include "rules/ranges.h"
#include "rules/surroundings.h"

/* What of a tuple matters. */
struct end {
	uint8_t proto;
	const struct nlattr *source, *destination; /* addresses */
	uint16_t source_port, destination_port;
};

struct attrs {
	const struct nlattr *at[CTA_MAX + 1];
};

static int attr_cb(const struct nlattr *attr, void *data)
{
	struct attrs *attrs = data;

	if (mnl_attr_get_type(attr) <= CTA_MAX)
		attrs->at[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

static uint16_t port_of(const struct nlattr *attr)
{
	return mnl_attr_get_payload_len(attr) == sizeof(uint16_t)
		       ? ntohs(mnl_attr_get_u16(attr))
		       : 0;
}

static void read_proto(const struct nlattr *nest, struct end *out)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, nest) {
		switch (mnl_attr_get_type(attr)) {
		case CTA_PROTO_NUM:
			if (mnl_attr_get_payload_len(attr) == 1)
				out->proto = mnl_attr_get_u8(attr);
			break;
		case CTA_PROTO_SRC_PORT: out->source_port = port_of(attr); break;
		case CTA_PROTO_DST_PORT: out->destination_port = port_of(attr); break;
		default: break;
		}
	}
}

static void read_addresses(const struct nlattr *nest, struct end *out)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, nest) {
		switch (mnl_attr_get_type(attr)) {
		case CTA_IP_V4_SRC:
		case CTA_IP_V6_SRC: out->source = attr; break;
		case CTA_IP_V4_DST:
		case CTA_IP_V6_DST: out->destination = attr; break;
		default: break;
		}
	}
}

static struct end read_tuple(const struct nlattr *nest)
{
	struct end end = { 0 };
	const struct nlattr *attr;

	if (!nest)
		return end;
	mnl_attr_for_each_nested(attr, nest) {
		if (mnl_attr_get_type(attr) == CTA_TUPLE_IP)
			read_addresses(attr, &end);
		else if (mnl_attr_get_type(attr) == CTA_TUPLE_PROTO)
			read_proto(attr, &end);
	}
	return end;
}

/* Whether the address is the service's, and this host's or, outbound, another's. */
static bool is_end(const struct nlattr *attr, const struct surroundings *host,
		   const struct service *service)
{
	size_t bytes = attr ? mnl_attr_get_payload_len(attr) : 0;
	const struct ranges *own;

	if (bytes != sizeof(struct in_addr) && bytes != sizeof(struct in6_addr))
		return false;
	own = bytes == sizeof(struct in_addr) ? &host->local4 : &host->local6;
	if (service->family != AF_UNSPEC &&
	    (service->family == AF_INET) != (bytes == sizeof(struct in_addr)))
		return false;
	if (service->family != AF_UNSPEC)
		return memcmp(mnl_attr_get_payload(attr), &service->addr, bytes) == 0;
	return !own->count || ranges_have(own, wide_read(mnl_attr_get_payload(attr),
							 bytes)) != service->outbound;
}

/* Whether it is an address of this host; if these are not known, any may be. */
static bool is_here(const struct nlattr *attr, const struct surroundings *host)
{
	const struct service any = { .family = AF_UNSPEC };

	return is_end(attr, host, &any);
}

static bool is_port(uint16_t port, const struct service *service)
{
	return port >= service->first_port && port <= service->last_port;
}

/* Both directions of an entry that is translated. False if it is not, or malformed. */
static bool read_entry(const struct nlmsghdr *message, struct end *there,
		       struct end *back)
{
	struct attrs attrs = { { NULL } };

	if (mnl_nlmsg_get_payload_len(message) < sizeof(struct nfgenmsg) ||
	    mnl_attr_parse(message, sizeof(struct nfgenmsg), attr_cb, &attrs) <
		    MNL_CB_OK ||
	    !attrs.at[CTA_STATUS] ||
	    mnl_attr_validate(attrs.at[CTA_STATUS], MNL_TYPE_U32) < 0)
		return false;
	*there = read_tuple(attrs.at[CTA_TUPLE_ORIG]);
	*back = read_tuple(attrs.at[CTA_TUPLE_REPLY]);
	return ntohl(mnl_attr_get_u32(attrs.at[CTA_STATUS])) & IPS_NAT_MASK;
}

static bool is_of_service(const struct end *there, const struct end *back,
			  const struct surroundings *host, const struct service *service)
{
	if (there->proto != service->proto)
		return false;
	/* What a host behind this one asks others, with this host's address and the service's port. */
	if (!service->outbound && !is_here(there->source, host) &&
	    is_port(back->destination_port, service) &&
	    is_end(back->destination, host, service))
		return true;
	/*
	 * Where clients send it, or where NAT has it go, which is where replies come
	 * from.
	 */
	return (is_port(there->destination_port, service) &&
		is_end(there->destination, host, service)) ||
	       (is_port(back->source_port, service) &&
		is_end(back->source, host, service));
}

bool translated_is(const struct nlmsghdr *message, const struct surroundings *host,
		   const struct service *service)
{
	struct end there, back;

	return read_entry(message, &there, &back) &&
	       is_of_service(&there, &back, host, service);
}

struct counting {
	const struct surroundings *host;
	const struct service *services;
	size_t count;
	unsigned *found; /* of each service */
	unsigned seen;
};

static int entry_cb(const struct nlmsghdr *message, void *data)
{
	struct counting *counting = data;
	struct end there, back;
	bool translated = read_entry(message, &there, &back);

	for (size_t i = 0; translated && i < counting->count; i++)
		counting->found[i] += is_of_service(&there, &back, counting->host,
						    &counting->services[i]);
	return ++counting->seen < TRANSLATED_ENTRIES_MAX ? MNL_CB_OK : MNL_CB_STOP;
}

static int chosen_cb(const struct nlmsghdr *message, void *data)
{
	struct counting *counting = data;
	const struct service *service = counting->services;
	const struct ranges ports = surroundings_ports(counting->host);
	struct end there = { 0 }, back;

	/* Translated or not; of one that is malformed the ports are 0. */
	read_entry(message, &there, &back);
	*counting->found += there.proto == service->proto && there.source_port &&
			    is_port(there.destination_port, service) &&
			    is_end(there.destination, counting->host, service) &&
			    is_here(there.source, counting->host) &&
			    !ranges_have(&ports, wide_of(there.source_port));
	return ++counting->seen < TRANSLATED_ENTRIES_MAX ? MNL_CB_OK : MNL_CB_STOP;
}

int translated_chosen(struct nl *nl, const struct surroundings *host,
		      const struct service *service, unsigned *out)
{
	struct counting counting = {
		.host = host, .services = service, .count = 1, .found = out
	};

	nl_begin_nfnl(nl, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET, NLM_F_DUMP,
		      service->family);
	*out = 0;
	return nl_transact(nl, chosen_cb, &counting);
}

/* Kernels that do not know the filter send every entry. */
static int count_status(struct nl *nl, uint32_t status, struct counting *counting)
{
	struct nlmsghdr *message =
		nl_begin_nfnl(nl, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET,
			      NLM_F_DUMP, AF_UNSPEC);

	mnl_attr_put_u32(message, CTA_STATUS, htonl(status));
	mnl_attr_put_u32(message, CTA_STATUS_MASK, htonl(status));
	counting->seen = 0;
	return nl_transact(nl, entry_cb, counting);
}

int translated_count(struct nl *nl, const struct surroundings *host,
		     const struct service *services, size_t count, unsigned *out)
{
	struct counting counting = {
		.host = host, .services = services, .count = count, .found = out
	};
	int err = count_status(nl, IPS_DST_NAT, &counting);

	return err ? err : count_status(nl, IPS_SRC_NAT, &counting);
}
