// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/packet.h"

#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "rules/bytes.h"
#include "rules/clientports.h"
#include "rules/interface.h"
#include "rules/surroundings.h"
#include "rules/world.h"

bool packet_opens_here(const struct packet *packet)
{
	return (packet->service->outbound && !packet->asker) || packet->own;
}

enum packet_way packet_way(const struct packet *packet)
{
	if (packet->loopback)
		return PACKET_LOOPS;
	if (packet->passing)
		return PACKET_PASSES;
	if (packet_is_error(packet))
		return packet->kind == PACKET_ERROR_IN ? PACKET_ARRIVES : PACKET_LEAVES;
	return packet_is_request(packet) != packet_opens_here(packet) ? PACKET_ARRIVES
								      : PACKET_LEAVES;
}

bool packet_is_error(const struct packet *packet)
{
	return packet->kind == PACKET_ERROR_IN || packet->kind == PACKET_ERROR_OUT;
}

/* An error is a reply, so to speak, if it goes to the client. */
bool packet_is_request(const struct packet *packet)
{
	switch (packet->kind) {
	case PACKET_REQUEST:
	case PACKET_LATER: return true;
	case PACKET_ERROR_IN: return !packet_opens_here(packet) || packet->loopback;
	case PACKET_ERROR_OUT: return packet_opens_here(packet) && !packet->loopback;
	default: return false;
	}
}

uint8_t packet_proto(const struct packet *packet)
{
	if (packet_is_error(packet))
		return packet->family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	return packet->service->proto;
}

static size_t address_bytes(const struct packet *packet)
{
	return packet->family == AF_INET ? sizeof(struct in_addr)
					 : sizeof(struct in6_addr);
}

/* Addresses of one host: not 0.0.0.0/8 nor 224.0.0.0 and up; not :: nor ff00::/8. */
static const struct range UNICAST4 = { { 0, 0x01000000 }, { 0, 0xdfffffff } };
static const struct range UNICAST6 = { { 0, 1 },
				       { UINT64_C(0xfeffffffffffffff), UINT64_MAX } };
static const struct ranges ANYBODY4 = { &UNICAST4, 1 }, ANYBODY6 = { &UNICAST6, 1 };
static const struct range LOOPBACK4 = { { 0, 0x7f000000 }, { 0, 0x7fffffff } };
static const struct range LOOPBACK6 = { { 0, 1 }, { 0, 1 } };

static struct ranges without(struct world *world, const struct ranges *from,
			     const struct ranges *cut)
{
	struct ranges rest = *from;

	if (ranges_subtract(&world->arena, from, cut, &rest))
		world->spent = true;
	/*
	 * To world_symbol() an empty domain is every number, so it must not become empty.
	 */
	return rest.count ? rest : *from;
}

/* The addresses that an end of the conversation can have. */
static struct ranges addresses(const struct packet *packet, struct world *world,
			       bool local)
{
	bool v4 = packet->family == AF_INET;
	const struct ranges unicast = { v4 ? &UNICAST4 : &UNICAST6, 1 };
	const struct ranges loopback = { v4 ? &LOOPBACK4 : &LOOPBACK6, 1 };
	const struct ranges *own = v4 ? &packet->host->local4 : &packet->host->local6;
	const struct ranges *base = own->count && local ? own : &unicast;
	struct ranges rest;

	if (packet->loopback)
		return *base;
	rest = without(world, base, &loopback);
	return own->count && !local ? without(world, &rest, own) : rest;
}

static unsigned bound_address(const struct packet *packet, struct world *world,
			      const struct world_key *key)
{
	struct range only;
	struct ranges copy = { NULL, 1 };

	only.first = only.last = wide_read(&packet->service->addr, address_bytes(packet));
	copy.at = arena_copy(&world->arena, &only, sizeof(only));
	if (!copy.at) {
		world->spent = true;
		return 0;
	}
	return world_symbol(world, key, address_bytes(packet), &copy);
}

/* Whether that end has the service's port. */
static bool has_port(const struct packet *packet, enum packet_field field)
{
	bool client = packet->own || packet->asker ||
		      (packet->passing && !packet->service->outbound);

	return client == (field == PACKET_CLIENT_PORT);
}

static unsigned address_symbol(const struct packet *packet, struct world *world,
			       enum packet_field field)
{
	const struct service *service = packet->service;
	const struct world_key key = { .kind = field };
	bool ours = field == PACKET_SERVER
			    ? !packet_opens_here(packet)
			    : field == PACKET_CLIENT && packet_opens_here(packet);
	bool local = packet->loopback || (ours && !packet->passing);
	enum packet_field bound =
		has_port(packet, PACKET_CLIENT_PORT) ? PACKET_CLIENT : PACKET_SERVER;
	struct ranges domain;

	if (field == PACKET_SERVER && packet->astray)
		return world_symbol(world, &key, address_bytes(packet),
				    packet->family == AF_INET ? &ANYBODY4 : &ANYBODY6);
	/* What passes has an address of its own until it is translated. */
	if (field == bound && service->family == packet->family &&
	    !(packet->passing && bound == PACKET_CLIENT))
		return bound_address(packet, world, &key);
	domain = addresses(packet, world, local);
	return world_symbol(world, &key, address_bytes(packet), &domain);
}

static const struct range EVERY = { { 0, 1 }, { 0, UINT16_MAX } };

static struct ranges service_ports(const struct packet *packet, struct world *world)
{
	const struct service *service = packet->service;
	const struct ranges given = surroundings_ports(packet->host);
	const struct range own = { wide_of(service->first_port),
				   wide_of(service->last_port) };
	struct ranges ports = { arena_copy(&world->arena, &own, sizeof(own)), 1 };

	if (ports.at &&
	    !(packet->given && clientports_of(service, &given, &world->arena, &ports)))
		return ports;
	world->spent = true;
	return (struct ranges){ &EVERY, 1 };
}

/* Those that ask no other host get a port of the kernel; others may have chosen one, as NTP's do. */
static struct ranges client_ports(const struct packet *packet)
{
	return packet->loopback ? surroundings_ports(packet->host)
				: (struct ranges){ &EVERY, 1 };
}

static unsigned port_symbol(const struct packet *packet, struct world *world,
			    enum packet_field field)
{
	const struct world_key key = { .kind = field, .a = packet->astray };
	struct ranges domain = { &EVERY, 1 };

	if (has_port(packet, field) && !packet->astray)
		domain = service_ports(packet, world);
	else if (field == PACKET_CLIENT_PORT)
		domain = client_ports(packet);
	return world_symbol(world, &key, sizeof(uint16_t), &domain);
}

unsigned packet_symbol(const struct packet *packet, struct world *world,
		       enum packet_field field)
{
	switch (field) {
	case PACKET_CLIENT_PORT:
	case PACKET_SERVER_PORT: return port_symbol(packet, world, field);
	case PACKET_IN_NAME:
	case PACKET_OUT_NAME:
	case PACKET_DEVICE_NAME: return interface_name(packet, world, field);
	case PACKET_IN_INDEX:
	case PACKET_OUT_INDEX:
	case PACKET_DEVICE_INDEX: return interface_index(packet, world, field);
	default: return address_symbol(packet, world, field);
	}
}

/* Whose address is in a packet. */
static enum packet_field address_field(const struct packet *packet, bool source)
{
	/* The error itself comes from anywhere on the way, about this host's packet. */
	if (packet->kind == PACKET_ERROR_IN && !packet->loopback)
		return source ? PACKET_ROUTER
			      : (packet_opens_here(packet) ? PACKET_CLIENT
							   : PACKET_SERVER);
	return packet_is_request(packet) == source ? PACKET_CLIENT : PACKET_SERVER;
}

enum { PORT_BYTES = 2 };

/* A field of a header that rules load as a whole. */
struct field {
	uint32_t offset;
	uint32_t bytes;
};

/*
 * IPv4: total length, identification, fragment, checksum; IPv6: the first word, payload
 * length
 */
static const struct field FIELDS4[] = { { 2, 2 }, { 4, 2 }, { 6, 2 }, { 10, 2 } };
static const struct field FIELDS6[] = { { 0, 4 }, { 4, 2 } };
/* TCP: both numbers, window, checksum, urgent pointer; UDP: length, checksum */
static const struct field FIELDS_TCP[] = {
	{ 4, 4 }, { 8, 4 }, { 14, 2 }, { 16, 2 }, { 18, 2 }
};
static const struct field FIELDS_UDP[] = { { 4, 2 }, { 6, 2 } };

static const struct field *find_field(const struct packet *packet, uint32_t base,
				      uint32_t offset)
{
	const struct field *fields = FIELDS4;
	size_t count = sizeof(FIELDS4) / sizeof(FIELDS4[0]);

	if (base == NFT_PAYLOAD_NETWORK_HEADER && packet->family == AF_INET6) {
		fields = FIELDS6;
		count = sizeof(FIELDS6) / sizeof(FIELDS6[0]);
	} else if (base == NFT_PAYLOAD_TRANSPORT_HEADER) {
		bool tcp = packet_proto(packet) == IPPROTO_TCP;

		fields = tcp ? FIELDS_TCP : FIELDS_UDP;
		count = tcp ? sizeof(FIELDS_TCP) / sizeof(FIELDS_TCP[0])
			    : sizeof(FIELDS_UDP) / sizeof(FIELDS_UDP[0]);
	} else if (base != NFT_PAYLOAD_NETWORK_HEADER) {
		return NULL;
	}
	for (size_t i = 0; i < count; i++)
		if (offset >= fields[i].offset &&
		    offset < fields[i].offset + fields[i].bytes)
			return &fields[i];
	return NULL;
}

/* Bits of the thirteenth byte of a TCP header. */
enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PSH = 8, TCP_ACK = 16, TCP_URG = 32 };

/* Whether the packet can have these flags. ECN uses the upper two of SYNs. */
static bool has_flags(const struct packet *packet, unsigned flags)
{
	const unsigned all = TCP_FIN | TCP_SYN | TCP_RST | TCP_PSH | TCP_ACK | TCP_URG;

	switch (packet->kind) {
	case PACKET_REQUEST: return (flags & all) == TCP_SYN;
	case PACKET_REPLY:
		if (packet->unasked)
			return (flags & all & ~(TCP_PSH | TCP_URG)) == TCP_SYN;
		return (flags & all) == (TCP_SYN | TCP_ACK);
	default:
		if (packet->unasked)
			return (flags & (TCP_SYN | TCP_ACK)) != TCP_SYN;
		/* A reset of a connection that its host has forgotten has no ACK (RFC 9293, 3.10.7.1). */
		return (flags & (TCP_SYN | TCP_ACK)) == TCP_ACK ||
		       (flags & all & ~(unsigned)TCP_PSH) == TCP_RST;
	}
}

static struct ranges tcp_flags(const struct packet *packet, struct world *world)
{
	struct range *at = arena_take(&world->arena, (UINT8_MAX + 1) * sizeof(*at));
	size_t count = 0;

	if (!at) {
		world->spent = true;
		return (struct ranges){ 0 };
	}
	for (unsigned v = 0; v <= UINT8_MAX; v++)
		if (has_flags(packet, v))
			at[count++] = (struct range){ wide_of(v), wide_of(v) };
	return ranges_normalise(at, count);
}

/* The types of errors about packets: RFC 792, RFC 4443. */
static struct ranges icmp_types(const struct packet *packet)
{
	static const struct range TYPES4[] = { { { 0, 3 }, { 0, 3 } },
					       { { 0, 11 }, { 0, 12 } } };
	static const struct range TYPES6[] = { { { 0, 1 }, { 0, 4 } } };

	return packet->family == AF_INET ? (struct ranges){ TYPES4, 2 }
					 : (struct ranges){ TYPES6, 1 };
}

/* Bytes that belong to the packet alone. */
static void load_own(const struct packet *packet, struct world *world, uint32_t base,
		     uint32_t offset, struct byte *to)
{
	const struct field *field = find_field(packet, base, offset);
	uint32_t start = field ? field->offset : offset;
	uint32_t bytes = field ? field->bytes : 1;
	/* The same in both walks: they are of one packet. */
	const struct world_key key = { PACKET_BYTES, base, start, packet->kind };
	bool transport = base == NFT_PAYLOAD_TRANSPORT_HEADER;
	struct byte all[4];
	struct ranges domain = { 0 };

	if (transport && packet_proto(packet) == IPPROTO_TCP && start == 13)
		domain = tcp_flags(packet, world);
	else if (transport && packet_is_error(packet) && start == 0)
		domain = icmp_types(packet);
	bytes_put_symbol(all, bytes, world_symbol(world, &key, bytes, &domain));
	*to = all[offset - start];
}

/* Where in the header the addresses are; struct iphdr, struct ip6_hdr. */
static void load_network(const struct packet *packet, struct world *world,
			 uint32_t offset, struct byte *to)
{
	bool v4 = packet->family == AF_INET;
	uint32_t bytes = (uint32_t)address_bytes(packet);
	uint32_t source = v4 ? 12 : 8, proto = v4 ? 9 : 6;
	struct byte address[sizeof(struct in6_addr)];
	/* IPv4 without options: five words */
	const uint8_t version = 0x45, number = packet_proto(packet);

	if (offset >= source && offset < source + 2 * bytes) {
		bool is_source = offset < source + bytes;

		bytes_put_symbol(
			address, bytes,
			packet_symbol(packet, world, address_field(packet, is_source)));
		*to = address[(offset - source) % bytes];
	} else if (offset == proto) {
		bytes_put_known(to, 1, &number);
	} else if (v4 && offset == 0) {
		bytes_put_known(to, 1, &version);
	} else {
		load_own(packet, world, NFT_PAYLOAD_NETWORK_HEADER, offset, to);
	}
}

static void load_transport(const struct packet *packet, struct world *world,
			   uint32_t offset, struct byte *to)
{
	struct byte port[PORT_BYTES];
	bool client = packet_is_request(packet) == (offset < PORT_BYTES);

	if (packet_is_error(packet) || offset >= 2 * PORT_BYTES) {
		load_own(packet, world, NFT_PAYLOAD_TRANSPORT_HEADER, offset, to);
		return;
	}
	bytes_put_symbol(port, PORT_BYTES,
			 packet_symbol(packet, world,
				       client ? PACKET_CLIENT_PORT : PACKET_SERVER_PORT));
	*to = port[offset % PORT_BYTES];
}

void packet_load(const struct packet *packet, struct world *world, uint32_t base,
		 uint32_t offset, size_t count, struct byte *to)
{
	for (uint32_t i = 0; i < count; i++) {
		if (base == NFT_PAYLOAD_NETWORK_HEADER)
			load_network(packet, world, offset + i, &to[i]);
		else if (base == NFT_PAYLOAD_TRANSPORT_HEADER)
			load_transport(packet, world, offset + i, &to[i]);
		else
			load_own(packet, world, base, offset + i, &to[i]);
	}
}
