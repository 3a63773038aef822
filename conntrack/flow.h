/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_FLOW_H
#define CONNTRACK_FLOW_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct addresses;
struct nlmsghdr;
struct service;

/* An IPv4 address takes the first 4 bytes. */
union flow_address {
	struct in_addr v4;
	struct in6_addr v6;
};

/* One direction of a flow. Ports in host byte order; 0 for protocols without. */
struct flow_tuple {
	union flow_address src;
	union flow_address dst;
	uint16_t src_port;
	uint16_t dst_port;
};

/* One entry of the table. */
struct flow {
	uint8_t family;    /* AF_INET or AF_INET6 */
	uint8_t proto;     /* IPPROTO_... */
	uint8_t tcp_state; /* enum tcp_conntrack; 0 (NONE) when not TCP */
	bool handshake; /* TCP that was seen from its first packet; false: not known to be */
	struct flow_tuple orig;
	struct flow_tuple reply;
	uint32_t status;    /* IPS_... bits of linux/netfilter/nf_conntrack_common.h */
	uint32_t timeout_s; /* until it expires */
	uint32_t id;   /* CTA_ID: tells this entry from a later one of the same tuple */
	uint16_t zone; /* of both directions */
	uint16_t orig_zone; /* of the original direction alone */
};

/* Reads an IPCTNL_MSG_CT_NEW message. Returns 0, or -EBADMSG if it is short or lacks a tuple. */
int flow_parse(const struct nlmsghdr *message, struct flow *out);

bool flow_replied(const struct flow *flow); /* IPS_SEEN_REPLY */
bool flow_assured(const struct flow *flow); /* IPS_ASSURED: early_drop spares it */
bool flow_is_nat(const struct flow *flow);  /* IPS_SRC_NAT or IPS_DST_NAT, done or not */

/* Compares addresses of that family: in_addr or in6_addr, in whatever they are kept. */
bool flow_same_address(uint8_t family, const void *a, const void *b);

/* Where Linux starts to choose ports for clients by default (ip_local_port_range). */
enum { FLOW_EPHEMERAL_FIRST = 32768 };

/*
 * Whether a flow between these ports looks as if it was picked up from an answer: from a
 * service's port to one that Linux chooses for clients.
 */
bool flow_ends_swapped(uint16_t src_port, uint16_t dst_port);

/*
 * Whether the flow is one of service, on the host whose addresses are local: towards its
 * port at a local address (the one that it is bound to, if it is bound), or from there to a port
 * that clients have, as the kernel takes TCP that it picks up from an answer, and UDP of
 * a server that sends first; outbound, from a local address to the port of another host.
 * So the same port of other hosts is never meant, whether this host talks to it or forwards
 * to it.
 */
bool flow_of_service(const struct flow *flow, const struct service *service,
		     const struct addresses *local);

#endif
