/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_PACKET_H
#define RULES_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/service.h"

struct byte;
struct surroundings;
struct world;

/* The packets of a service's conversations, as far as they are known. Pure. */

/* Where in a conversation. Client is who opens it. */
enum packet_kind {
	PACKET_REQUEST,     /* the first from the client: the connection is new */
	PACKET_LATER,       /* another from the client, after a reply */
	PACKET_REPLY,       /* the first from the server */
	PACKET_LATER_REPLY, /* another: for TCP it has other flags */
	PACKET_ERROR_IN, /* an ICMP error that this host gets; on loopback: about a reply */
	PACKET_ERROR_OUT, /* one that it sends; on loopback: about a request */
	PACKET_KINDS
};

/* A way that packets take through the hooks of this host. */
enum packet_way { PACKET_ARRIVES, PACKET_LEAVES, PACKET_LOOPS, PACKET_PASSES };

struct packet {
	const struct service *service;
	const struct surroundings *host;
	uint8_t family; /* AF_INET or AF_INET6 */
	enum packet_kind kind;
	bool loopback; /* both ends are on this host */
	bool own;      /* the service's socket is the client: what it asks other hosts */
	bool given; /* or another program here that the kernel gave a port of its range */
	bool asker; /* a host that asks this one from a port of an outbound service */
	bool astray; /* to any port of anybody: NAT may turn it to the service */
	bool marked; /* a client on this host gives what it asks the service a mark (SO_MARK) */
	/*
	 * From the port of an outbound service, to any here, though nobody here has asked: as a
	 * first reply it is one that could open something (of TCP a SYN), as a later one any other.
	 */
	bool unasked;
	/*
	 * Forwarded. NAT may give it this host's address: the answer then looks like the
	 * service's, if it comes from its port, or, of a service of this host, goes to it.
	 */
	bool passing;
};

/* Which way it takes. */
enum packet_way packet_way(const struct packet *packet);

/* Whether the client is on this host, as far as the packets are not on loopback. */
bool packet_opens_here(const struct packet *packet);

/* Whether it goes from client to server. */
bool packet_is_request(const struct packet *packet);

bool packet_is_error(const struct packet *packet);

/* IPPROTO_: the service's, or ICMP's. */
uint8_t packet_proto(const struct packet *packet);

/* What is the same in all packets of a conversation, and what each has of its own. */
enum packet_field {
	PACKET_CLIENT = 1, /* addresses */
	PACKET_SERVER,
	PACKET_ROUTER, /* who sends an ICMP error here */
	PACKET_CLIENT_PORT,
	PACKET_SERVER_PORT,
	PACKET_IN_NAME, /* the interface, as its name and as its number */
	PACKET_OUT_NAME,
	PACKET_IN_INDEX,
	PACKET_OUT_INDEX,
	PACKET_DEVICE_NAME, /* where netdev's chains see it, if others stand on that one */
	PACKET_DEVICE_INDEX,
	PACKET_BYTES, /* of the packet itself; key: base, offset */
	PACKET_META,  /* key: enum nft_meta_keys */
	PACKET_CT,    /* key: enum nft_ct_keys, direction */
	PACKET_OTHER, /* key: the kind of expression, and what it asks */
	PACKET_FACT,  /* something that is so or not; key: the same */
};

/* The symbol of an address, a port or an interface. Ports are in network order. */
unsigned packet_symbol(const struct packet *packet, struct world *world,
		       enum packet_field field);

/* Loads count bytes of a header (enum nft_payload_bases) from offset on. */
void packet_load(const struct packet *packet, struct world *world, uint32_t base,
		 uint32_t offset, size_t count, struct byte *to);

#endif
