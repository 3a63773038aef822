/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_ADDRESSES_H
#define CONNTRACK_ADDRESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conntrack/flow.h"

/*
 * Which addresses are this host's own, as the kernel's routing table of type "local" and so
 * the "fib daddr type local" of our rules see it, and which reach it among others. Pure data and lookups;
 * conntrack/routes.h fills it. Bounded: what does not fit is counted, left out, and so
 * taken for somebody else's.
 */
enum { ADDRESSES_MAX = 4096, ADDRESSES_PREFIXES_MAX = 256 };

struct address_prefix {
	uint8_t family; /* AF_INET or AF_INET6 */
	uint8_t bits;   /* that count: at most 32 or 128 */
	bool shared;    /* broadcast or anycast: not its own */
	union flow_address address;
};

struct addresses {
	size_t count; /* whole addresses: 32 or 128 bits; sorted, own first, IPv4 first */
	size_t prefixes; /* shorter ones */
	size_t left_out;
	struct address_prefix address[ADDRESSES_MAX];
	struct address_prefix prefix[ADDRESSES_PREFIXES_MAX];
};

/* Forgets everything, for filling it anew. */
void addresses_clear(struct addresses *addresses);

/* What is in from, to out: tens of kilobytes are mostly empty, and need not be in memory. */
void addresses_copy(const struct addresses *from, struct addresses *out);

/* Adds an address or a prefix; one with too many bits is left out. */
void addresses_add(struct addresses *addresses, const struct address_prefix *prefix);

/* Sorts what was added: before the first lookup. */
void addresses_ready(struct addresses *addresses);

/*
 * Whether the address (in_addr or in6_addr, in whatever it is kept) is one of them. Loopback always
 * is. Takes tens of nanoseconds, and one or two more for each prefix.
 */
bool addresses_have(const struct addresses *addresses, uint8_t family,
		    const void *address);

/*
 * Whether packets to it that come from elsewhere reach this host, though it is not its own: multicast,
 * broadcast, anycast. "fib daddr type local" does not match them.
 */
bool addresses_share(const struct addresses *addresses, uint8_t family,
		     const void *address);

#endif
