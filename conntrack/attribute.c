// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/attribute.h"

#include <assert.h>
#include <math.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter/nf_conntrack_common.h>

#include "conntrack/host.h"
#include "lib/service.h"

static_assert(sizeof(struct attribute_key) == 24, "keys are compared as bytes");

enum { PREFIX_BITS_V4 = 24, PREFIX_BITS_V6 = 64 };

void attribute_clear(struct attribute *attribute)
{
	/* A row is written whole when it begins to count: they need no clearing. */
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

/* What is seen of a flow from this host. */
struct sight {
	const struct host_listener *listener; /* that it was opened to, or NULL */
	bool reversed;  /* the entry's original direction is the answers' */
	bool from_here; /* who opened it is this host */
	bool to_here;   /* whom it was opened to is this host */
};

/* Whether an answer may have made the entry; rules translate the destination of what asks. */
static bool may_be_answer(const struct flow *flow)
{
	return !flow->handshake && !(flow->status & IPS_DST_NAT);
}

/*
 * Without a listener the ports tell, as far as they do. The source of a forwarded datagram may be any
 * port that a client has: what is in front of it may have given it one far below those of Linux.
 */
static bool looks_reversed(const struct flow *flow, bool ours)
{
	if (!may_be_answer(flow) ||
	    !flow_ends_swapped(flow->orig.src_port, flow->orig.dst_port))
		return false;
	return flow->proto == IPPROTO_TCP ||
	       (!ours && flow->orig.src_port < IPPORT_RESERVED);
}

/*
 * The reply's source is where the packets really go, after any translation. Where nothing listens
 * there, but at the other end, the entry was made by an answer: of a TCP connection
 * picked up in the middle, or of a UDP socket that sent to a client after the entry had
 * expired (a UDP socket that asks another port, as NTP's does, looks the same but for the
 * client's port). Without a listener only addresses and ports tell the direction. What comes from
 * elsewhere to a multicast or broadcast address is to this host too: an entry is only confirmed
 * where a packet leaves or, as here, is delivered, if this host does not route multicast.
 */
static struct sight look_at(const struct host *host, const struct flow *flow)
{
	bool swapped = flow_ends_swapped(flow->orig.src_port, flow->orig.dst_port);
	bool tcp = flow->proto == IPPROTO_TCP;
	bool orig_here = addresses_have(&host->addresses, flow->family, &flow->orig.src);
	bool reply_here =
		addresses_have(&host->addresses, flow->family, &flow->reply.src) ||
		(!orig_here &&
		 addresses_share(&host->addresses, flow->family, &flow->reply.src));
	struct sight sight = { .from_here = orig_here, .to_here = reply_here };

	if (reply_here)
		sight.listener =
			host_find_listener(host, flow->proto, flow->family,
					   &flow->reply.src, flow->reply.src_port);
	if (!sight.listener && orig_here && (tcp || swapped) && may_be_answer(flow)) {
		sight.listener = host_find_listener(host, flow->proto, flow->family,
						    &flow->orig.src, flow->orig.src_port);
		sight.reversed = sight.listener;
	}
	if (!sight.listener)
		sight.reversed = looks_reversed(flow, orig_here || reply_here);
	if (sight.reversed) {
		sight.from_here = reply_here;
		sight.to_here = orig_here;
	}
	return sight;
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

static void set_service(struct attribute_key *key, const struct flow *flow,
			const struct sight *sight)
{
	uint16_t asked = sight->reversed ? flow->orig.src_port : flow->orig.dst_port;
	uint16_t reached = sight->reversed ? asked : flow->reply.src_port;

	if (sight->listener)
		set_listener(key, flow, sight->listener);
	else if (sight->to_here)
		set_port(key, ATTRIBUTE_IN, flow, reached);
	else
		set_port(key, sight->from_here ? ATTRIBUTE_OUT : ATTRIBUTE_FORWARD, flow,
			 asked);
}

static void set_source(struct attribute_key *key, const struct flow *flow, bool reversed)
{
	bool v4 = flow->family == AF_INET;

	memset(key, 0, sizeof(*key));
	key->kind = ATTRIBUTE_SOURCE;
	key->family = flow->family;
	key->prefix_bits = v4 ? PREFIX_BITS_V4 : PREFIX_BITS_V6;
	/* Both prefixes are whole bytes; those behind them stay 0. */
	memcpy(&key->address, reversed ? &flow->orig.dst : &flow->orig.src,
	       key->prefix_bits / 8U);
}

static void set_state(struct attribute_key *key, const struct flow *flow)
{
	memset(key, 0, sizeof(*key));
	key->kind = ATTRIBUTE_STATE;
	key->proto = flow->proto;
	if (flow->proto == IPPROTO_TCP)
		key->state = flow->tcp_state;
	else if (flow_assured(flow))
		key->state = STATE_ASSURED;
	else
		key->state = flow_replied(flow) ? STATE_REPLIED : STATE_UNREPLIED;
}

/* UDP sockets that are not connected are known, also those that only ask. */
static const struct host_listener *
socket_of(const struct host *host, const struct flow *flow, const struct sight *sight)
{
	if (sight->listener || !sight->from_here || flow->proto != IPPROTO_UDP)
		return sight->listener;
	return host_find_listener(host, flow->proto, flow->family, &flow->orig.src,
				  flow->orig.src_port);
}

static void set_socket(struct attribute_key *key, const struct host *host,
		       const struct flow *flow, const struct sight *sight)
{
	const struct host_listener *listener = socket_of(host, flow, sight);

	memset(key, 0, sizeof(*key));
	key->kind = ATTRIBUTE_SOCKET;
	if (listener) {
		key->state = HOLDER_PROCESS;
		memcpy(&key->address, &listener->inode, sizeof(listener->inode));
	} else if (sight->to_here) {
		/* It may be one of those that there was no room for. */
		key->state = host_left_out(host) ? HOLDER_UNKNOWN : HOLDER_NONE;
	} else {
		key->state = sight->from_here ? HOLDER_OUTBOUND : HOLDER_FORWARDED;
	}
}

void attribute_keys(const struct host *host, const struct flow *flow,
		    struct attribute_keys *out)
{
	struct sight sight = look_at(host, flow);

	out->has_service = has_ports(flow);
	out->inode = sight.listener ? sight.listener->inode : 0;
	if (out->has_service)
		set_service(&out->service, flow, &sight);
	set_source(&out->source, flow, sight.reversed);
	set_state(&out->state, flow);
	set_socket(&out->socket, host, flow, &sight);
}

bool attribute_service(const struct host *host, const struct flow *flow,
		       struct attribute_key *out, uint64_t *inode)
{
	struct sight sight;

	if (!has_ports(flow))
		return false;
	sight = look_at(host, flow);
	*inode = sight.listener ? sight.listener->inode : 0;
	set_service(out, flow, &sight);
	return true;
}

/* The service's end of a flow: where it was opened to, of an own service after translation. */
static const union flow_address *end_of(const struct flow *flow,
					const struct sight *sight, bool outbound)
{
	if (sight->reversed)
		return &flow->orig.src;
	return outbound ? &flow->orig.dst : &flow->reply.src;
}

static bool has_port(const struct service *service, uint16_t port)
{
	return port >= service->first_port && port <= service->last_port;
}

bool attribute_is_of(const struct host *host, const struct flow *flow,
		     const struct service *service)
{
	struct attribute_key key;
	struct sight sight;

	/* Most flows are told apart by this, which costs least. */
	if (flow->proto != service->proto || !(has_port(service, flow->orig.dst_port) ||
					       has_port(service, flow->orig.src_port) ||
					       has_port(service, flow->reply.src_port)))
		return false;
	sight = look_at(host, flow);
	set_service(&key, flow, &sight);
	if (key.kind != (service->outbound ? ATTRIBUTE_OUT : ATTRIBUTE_IN) ||
	    !has_port(service, key.port))
		return false;
	return service->family == AF_UNSPEC ||
	       (service->family == flow->family &&
		flow_same_address(flow->family, end_of(flow, &sight, service->outbound),
				  &service->addr));
}

void attribute_process(const char *name, enum attribute_holder holder,
		       struct attribute_key *out)
{
	memset(out, 0, sizeof(*out));
	out->kind = ATTRIBUTE_PROCESS;
	out->state = (uint16_t)holder;
	if (name)
		memcpy(&out->address, name, strnlen(name, sizeof(out->address) - 1));
}

/*
 * Multiplies and folds, eight bytes at a time. Keys made to collide cost at most ATTRIBUTE_ROWS
 * comparisons a flow: no secret needed.
 */
static size_t hash(const struct attribute_key *key)
{
	uint64_t words[sizeof(*key) / sizeof(uint64_t)];
	uint64_t sum = 0;

	memcpy(words, key, sizeof(words));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		sum = (sum ^ words[i]) * 0x9e3779b97f4a7c15U;
		sum ^= sum >> 32;
	}
	return sum % ATTRIBUTE_SLOTS;
}

/* The key's row, a new one if there is room, else "other". */
static struct attribute_row *row_of(struct attribute *attribute,
				    const struct attribute_key *key, uint64_t inode)
{
	size_t slot = hash(key);
	struct attribute_row *row;

	/* There are more slots than rows: a free one ends every search. */
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

void attribute_count(struct attribute_row *row, const struct flow *flow)
{
	row->flows++;
	row->unreplied += !flow_replied(flow);
	row->assured += flow_assured(flow);
	row->nat += flow_is_nat(flow);
}

void attribute_add(struct attribute *attribute, const struct attribute_key *key,
		   uint64_t inode, const struct flow *flow)
{
	attribute_count(&attribute->total, flow);
	attribute_count(key ? row_of(attribute, key, inode) : &attribute->other, flow);
}

void attribute_merge(struct attribute *attribute, const struct attribute_key *key,
		     const struct attribute_row *row)
{
	struct attribute_row *sums[] = {
		&attribute->total,
		key ? row_of(attribute, key, row->inode) : &attribute->other,
	};

	for (size_t i = 0; i < 2; i++) {
		sums[i]->flows += row->flows;
		sums[i]->unreplied += row->unreplied;
		sums[i]->assured += row->assured;
		sums[i]->nat += row->nat;
	}
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
	double n = sampled, half, centre;

	if (sampled == 0)
		return share;
	share.ratio = flows / n;
	if (sample_complete)
		return share;
	half = z / (1 + z * z / n) *
	       sqrt(share.ratio * (1 - share.ratio) / n + z * z / (4 * n * n));
	centre = (share.ratio + z * z / (2 * n)) / (1 + z * z / n);
	share.error = half + fabs(centre - share.ratio);
	return share;
}
