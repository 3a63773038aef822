// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/attribute.h"

#include <arpa/inet.h>
#include <assert.h>
#include <math.h>
#include <netinet/ip_icmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter/nf_conntrack_tcp.h>

#include "conntrack/host.h"
#include "lib/service.h"

static_assert(sizeof(struct attribute_key) == 24, "keys are compared as bytes");

enum { PREFIX_BITS_V4 = 24, PREFIX_BITS_V6 = 64 };

static const char *const TCP_STATES[] = {
	[TCP_CONNTRACK_NONE] = "none",
	[TCP_CONNTRACK_SYN_SENT] = "syn-sent",
	[TCP_CONNTRACK_SYN_RECV] = "syn-recv",
	[TCP_CONNTRACK_ESTABLISHED] = "established",
	[TCP_CONNTRACK_FIN_WAIT] = "fin-wait",
	[TCP_CONNTRACK_CLOSE_WAIT] = "close-wait",
	[TCP_CONNTRACK_LAST_ACK] = "last-ack",
	[TCP_CONNTRACK_TIME_WAIT] = "time-wait",
	[TCP_CONNTRACK_CLOSE] = "close",
	[TCP_CONNTRACK_SYN_SENT2] = "syn-sent2",
};

static const char *const STATES[] = {
	[STATE_UNREPLIED] = "unreplied",
	[STATE_REPLIED] = "replied",
	[STATE_ASSURED] = "assured",
};

void attribute_clear(struct attribute *attribute)
{
	memset(attribute, 0, offsetof(struct attribute, rows));
}

static bool has_ports(const struct flow *flow)
{
	return flow->proto == IPPROTO_UDP || flow->proto == IPPROTO_TCP;
}

static void set_port(struct attribute_key *key, enum attribute_kind kind,
		     const struct flow *flow, uint16_t port)
{
	memset(key, 0, sizeof(*key));
	key->kind = (uint8_t)kind;
	key->proto = flow->proto;
	key->port = port;
}

static const struct host_listener *listener_at(const struct host *host,
					       const struct flow *flow,
					       const union flow_address *address,
					       uint16_t port)
{
	if (!addresses_have(&host->addresses, flow->family, address))
		return NULL;
	return host_find_listener(host, flow->proto, flow->family, address, port);
}

/*
 * The reply's source is where the packets really go, after any translation. An established
 * connection whose two ends both listen (loopback) belongs to the one it was opened to.
 */
static const struct host_listener *listener_of(const struct host *host,
					       const struct flow *flow)
{
	const struct host_listener *listener;

	listener = listener_at(host, flow, &flow->reply.src, flow->reply.src_port);
	if (listener || flow->proto != IPPROTO_TCP)
		return listener;
	return listener_at(host, flow, &flow->orig.src, flow->orig.src_port);
}

static void set_listener(struct attribute_key *key, const struct flow *flow,
			 const struct host_listener *listener)
{
	set_port(key, ATTRIBUTE_IN, flow, listener->port);
	if (listener->any)
		return;
	key->family = listener->family;
	if (listener->family == AF_INET)
		key->address.v4 = listener->address.v4;
	else
		key->address.v6 = listener->address.v6;
}

/* Without a listener only addresses and ports tell the direction. */
static void set_by_ends(struct attribute_key *key, const struct host *host,
			const struct flow *flow)
{
	bool swapped = flow_ends_swapped(flow->orig.src_port, flow->orig.dst_port);
	bool from_here = addresses_have(&host->addresses, flow->family, &flow->orig.src);
	bool to_here = addresses_have(&host->addresses, flow->family, &flow->reply.src);

	if (from_here && !to_here)
		set_port(key, ATTRIBUTE_OUT, flow, flow->orig.dst_port);
	else if (to_here && !from_here && swapped && flow->proto == IPPROTO_TCP)
		set_port(key, ATTRIBUTE_OUT, flow, flow->orig.src_port);
	else if (to_here)
		set_port(key, ATTRIBUTE_IN, flow, flow->reply.src_port);
	else
		set_port(key, ATTRIBUTE_FORWARD, flow,
			 swapped ? flow->orig.src_port : flow->orig.dst_port);
}

bool attribute_service(const struct host *host, const struct flow *flow,
		       struct attribute_key *out, uint64_t *inode)
{
	const struct host_listener *listener;

	if (!has_ports(flow))
		return false;
	listener = listener_of(host, flow);
	*inode = listener ? listener->inode : 0;
	if (listener)
		set_listener(out, flow, listener);
	else
		set_by_ends(out, host, flow);
	return true;
}

void attribute_source(const struct flow *flow, struct attribute_key *out)
{
	bool v4 = flow->family == AF_INET;

	memset(out, 0, sizeof(*out));
	out->kind = ATTRIBUTE_SOURCE;
	out->family = flow->family;
	out->prefix_bits = v4 ? PREFIX_BITS_V4 : PREFIX_BITS_V6;
	memcpy(&out->address, &flow->orig.src, out->prefix_bits / 8U);
}

void attribute_state(const struct flow *flow, struct attribute_key *out)
{
	memset(out, 0, sizeof(*out));
	out->kind = ATTRIBUTE_STATE;
	out->proto = flow->proto;
	if (flow->proto == IPPROTO_TCP)
		out->state = flow->tcp_state;
	else if (flow_assured(flow))
		out->state = STATE_ASSURED;
	else
		out->state = flow_replied(flow) ? STATE_REPLIED : STATE_UNREPLIED;
}

/* FNV-1a. Keys made to collide cost at most ATTRIBUTE_ROWS comparisons a flow: no secret needed. */
static size_t hash(const struct attribute_key *key)
{
	const unsigned char *bytes = (const unsigned char *)key;
	uint32_t sum = 2166136261U;

	for (size_t i = 0; i < sizeof(*key); i++)
		sum = (sum ^ bytes[i]) * 16777619U;
	return sum % ATTRIBUTE_SLOTS;
}

/* The key's row, a new one if there is room, else "other". */
static struct attribute_row *row_of(struct attribute *attribute,
				    const struct attribute_key *key, uint64_t inode)
{
	size_t slot = hash(key);
	struct attribute_row *row;

	for (; attribute->slot[slot]; slot = (slot + 1) % ATTRIBUTE_SLOTS) {
		row = &attribute->rows[attribute->slot[slot] - 1];
		if (memcmp(&row->key, key, sizeof(*key)) != 0)
			continue;
		if (!row->inode)
			row->inode = inode;
		return row;
	}
	if (attribute->count == ATTRIBUTE_ROWS)
		return &attribute->other;
	row = &attribute->rows[attribute->count++];
	*row = (struct attribute_row){ .key = *key, .inode = inode };
	attribute->slot[slot] = (uint16_t)attribute->count;
	return row;
}

static void count_flow(struct attribute_row *row, const struct flow *flow)
{
	row->flows++;
	row->unreplied += !flow_replied(flow);
	row->assured += flow_assured(flow);
	row->nat += flow_is_nat(flow);
}

void attribute_add(struct attribute *attribute, const struct attribute_key *key,
		   uint64_t inode, const struct flow *flow)
{
	count_flow(&attribute->total, flow);
	count_flow(key ? row_of(attribute, key, inode) : &attribute->other, flow);
}

/* Ties by key, so that the order does not change from one view to the next. */
static int compare_rows(const void *left, const void *right)
{
	const struct attribute_row *a = left, *b = right;

	if (a->flows != b->flows)
		return a->flows < b->flows ? 1 : -1;
	return memcmp(&a->key, &b->key, sizeof(a->key));
}

void attribute_sort(struct attribute *attribute)
{
	qsort(attribute->rows, attribute->count, sizeof(attribute->rows[0]),
	      compare_rows);
}

struct attribute_share attribute_share(uint32_t sampled, uint32_t flows,
				       bool sample_complete)
{
	const double z = 1.96; /* 95 % of a normal distribution */
	struct attribute_share share = { 0 };
	double n = sampled;

	if (sampled == 0)
		return share;
	share.ratio = flows / n;
	if (!sample_complete)
		share.error =
			z / (1 + z * z / n) *
			sqrt(share.ratio * (1 - share.ratio) / n + z * z / (4 * n * n));
	return share;
}

static void name_service(const struct attribute_key *key, char text[ATTRIBUTE_NAME_MAX])
{
	struct service service = {
		.outbound = key->kind == ATTRIBUTE_OUT,
		.proto = key->proto,
		.family = key->family,
		.first_port = key->port,
		.last_port = key->port,
	};
	char name[SERVICE_TEXT_MAX];

	memcpy(&service.addr, &key->address, sizeof(service.addr));
	service_format(&service, name);
	snprintf(text, ATTRIBUTE_NAME_MAX, "%s", name);
}

static void name_source(const struct attribute_key *key, char text[ATTRIBUTE_NAME_MAX])
{
	char address[INET6_ADDRSTRLEN];

	inet_ntop(key->family, &key->address, address, sizeof(address));
	snprintf(text, ATTRIBUTE_NAME_MAX, "%s/%u", address, key->prefix_bits);
}

static void name_state(const struct attribute_key *key, char text[ATTRIBUTE_NAME_MAX])
{
	bool tcp = key->proto == IPPROTO_TCP;
	size_t known = tcp ? sizeof(TCP_STATES) / sizeof(TCP_STATES[0])
			   : sizeof(STATES) / sizeof(STATES[0]);
	const char *state = key->state >= known ? "unknown"
			    : tcp               ? TCP_STATES[key->state]
						: STATES[key->state];

	switch (key->proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
		snprintf(text, ATTRIBUTE_NAME_MAX, "%s %s",
			 service_proto_name(key->proto), state);
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6: snprintf(text, ATTRIBUTE_NAME_MAX, "icmp %s", state); break;
	default: snprintf(text, ATTRIBUTE_NAME_MAX, "protocol %u %s", key->proto, state);
	}
}

void attribute_name(const struct attribute_key *key, char text[ATTRIBUTE_NAME_MAX])
{
	if (key->kind == ATTRIBUTE_SOURCE)
		name_source(key, text);
	else if (key->kind == ATTRIBUTE_STATE)
		name_state(key, text);
	else
		name_service(key, text);
}

const char *attribute_direction(const struct attribute_key *key)
{
	switch (key->kind) {
	case ATTRIBUTE_IN: return "in";
	case ATTRIBUTE_OUT: return "out";
	default: return "forward";
	}
}
