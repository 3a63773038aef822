/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_LAYOUT_H
#define RULES_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/service.h"

/*
 * How table inet ctkit is laid out: the one place that knows its names and keys. Pure.
 *
 * A map element is a lease: its key is a service, its verdict a jump to the service's
 * chain for that side, which says how it is untracked. The base chains look each packet
 * up in the maps: towards a service of this host in prerouting and, for clients on this
 * host, in output, and from it in output; towards a remote service in output, and from it
 * in prerouting. What this host sends is asked in the chain whether it is from one of its
 * addresses, as what it receives is asked before. Nothing matches forwarded packets.
 */

/* The comment of the table, which makes it ours. */
#define LAYOUT_TAG "ctkit: NOTRACK leases"

/* A side of a service: packets to it and packets from it. */
enum layout_side { LAYOUT_IN, LAYOUT_OUT, LAYOUT_SIDES };

/*
 * Services are alike if they are outbound or not, ranges or single ports, and of one address
 * family. Each group has a map for each side, made when it is first used. Single ports are
 * hashed; the kernel looks ranges up in a slower structure (pipapo).
 */
enum { LAYOUT_GROUPS = 12, LAYOUT_MAPS = LAYOUT_GROUPS * LAYOUT_SIDES };

unsigned layout_group(const struct service *service);

/* The map of a group for a side, and what is in it. */
unsigned layout_map(unsigned group, enum layout_side side);
unsigned layout_map_group(unsigned map);
enum layout_side layout_map_side(unsigned map);
const char *layout_map_name(unsigned map);
bool layout_map_ranged(unsigned map);

/* AF_UNSPEC, AF_INET or AF_INET6: what addresses the map's keys have. */
uint8_t layout_map_family(unsigned map);

/* Bytes of the map's keys. */
size_t layout_map_key_bytes(unsigned map);

enum layout_hook { LAYOUT_PREROUTING, LAYOUT_OUTPUT, LAYOUT_HOOKS };

const char *layout_hook_name(enum layout_hook hook);

/* Its number (NF_INET_), and our priority there, raw: before connection tracking looks, after fragments are put together. */
uint32_t layout_hook_number(enum layout_hook hook);
enum { LAYOUT_PRIORITY = -300 };

/* Whose address an end of a packet must have. */
enum layout_end { LAYOUT_ANY, LAYOUT_LOCAL, LAYOUT_REMOTE };

/* One rule of a base chain: look a packet up in a map. */
struct layout_lookup {
	enum layout_hook hook;
	unsigned map;
	bool source; /* by source address and port, else by destination */
	enum layout_end from;
	enum layout_end to;
};

/* All of them; a set of them is a bit mask of indices. */
enum { LAYOUT_LOOKUPS = 30 };
struct layout_lookup layout_lookup(unsigned index);

/* Those that a service of the group needs, a bit each. */
unsigned layout_lookups_of(unsigned group);

/* Enough for "from_remote_tcp_" + an IPv6 address + "_10000-65535"; the kernel takes up to 127. */
enum { LAYOUT_NAME_MAX = 80 };

/* protocol + IPv6 address + port, each padded to four bytes. */
enum { LAYOUT_KEY_MAX = 24 };

/* The name of the service's chain for a side: characters that nft reads without quotes. */
void layout_chain_name(enum layout_side side, const struct service *service,
		       char name[LAYOUT_NAME_MAX]);

/* The reverse. False if name is not exactly what layout_chain_name() writes. */
bool layout_parse_chain(const char *name, enum layout_side *side,
			struct service *service);

/* The key of service in the maps of its group, or its end with last_port; returns its length. */
size_t layout_key(const struct service *service, uint16_t port,
		  uint8_t key[LAYOUT_KEY_MAX]);

/*
 * The reverse, from the first key and the last, of bytes each: the same but in maps of
 * ranges. False if they cannot be of map.
 */
bool layout_parse_key(unsigned map, const void *first, const void *last, size_t bytes,
		      struct service *service);

/* Whether its address is one of loopback. */
bool layout_is_loopback(const struct service *service);

/*
 * Whether the layout has a place for service and packets can match it: NULL, or why
 * not, as the end of a sentence.
 */
const char *layout_unfit(const struct service *service);

#endif
