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
 * up in the maps: towards the service in prerouting and, for clients on this host, in
 * output; from the service in output. Nothing matches forwarded packets.
 */

/* The comment of the table, which makes it ours. */
#define LAYOUT_TAG "ctkit: NOTRACK leases"

/* A side of a service: packets to it and packets from it. */
enum layout_side { LAYOUT_IN, LAYOUT_OUT, LAYOUT_SIDES };

/* One map for each side and address family; those with an address exist only when used. */
enum layout_map {
	LAYOUT_MAP_IN,
	LAYOUT_MAP_OUT,
	LAYOUT_MAP_IN4,
	LAYOUT_MAP_OUT4,
	LAYOUT_MAP_IN6,
	LAYOUT_MAP_OUT6,
	LAYOUT_MAPS
};

enum layout_hook { LAYOUT_PREROUTING, LAYOUT_OUTPUT, LAYOUT_HOOKS };

/* One rule of a base chain: look a packet up in a map. */
struct layout_lookup {
	enum layout_hook hook;
	enum layout_map map;
	bool source; /* by source address and port, else by destination */
	bool local;  /* only packets to an address of this host */
};

/* All of them; a set of them is a bit mask of indices. */
enum { LAYOUT_LOOKUPS = 9 };
const struct layout_lookup *layout_lookup(unsigned index);

/* Enough for "out_tcp_" + an IPv6 address + "_65535"; the kernel takes up to 127. */
enum { LAYOUT_NAME_MAX = 80 };

/* protocol + IPv6 address + port, each padded to four bytes. */
enum { LAYOUT_KEY_MAX = 24 };

const char *layout_hook_name(enum layout_hook hook);
const char *layout_map_name(enum layout_map map);

/* AF_UNSPEC, AF_INET or AF_INET6: what addresses the map's keys have. */
uint8_t layout_map_family(enum layout_map map);

/* Bytes of the map's keys. */
size_t layout_map_key_bytes(enum layout_map map);

/* Where service is looked up for a side. */
enum layout_map layout_map_of(enum layout_side side, const struct service *service);
enum layout_side layout_map_side(enum layout_map map);

/* The name of the service's chain for a side: characters that nft reads without quotes. */
void layout_chain_name(enum layout_side side, const struct service *service,
		       char name[LAYOUT_NAME_MAX]);

/* The reverse. False if name is not exactly what layout_chain_name() writes. */
bool layout_parse_chain(const char *name, enum layout_side *side,
			struct service *service);

/* The key of service in the maps of its family; returns its length. */
size_t layout_key(const struct service *service, uint8_t key[LAYOUT_KEY_MAX]);

/* The reverse. False if it cannot be a key of map. */
bool layout_parse_key(enum layout_map map, const void *key, size_t bytes,
		      struct service *service);

/*
 * Whether the layout has a place for service and packets can match it: NULL, or why
 * not, as the end of a sentence.
 */
const char *layout_unfit(const struct service *service);

#endif
