/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_HOST_H
#define CONNTRACK_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conntrack/addresses.h"

/*
 * What of a flow's ends is this host: its addresses and its listening sockets. Pure
 * data and lookups; conntrack/listeners.h fills it. Bounded: what does not fit is
 * counted and left out. 2 MiB, of which only what is used is touched: a media server has two UDP sockets
 * for each call.
 */
enum { HOST_LISTENERS_MAX = 65536 };

struct host_listener {
	uint8_t proto; /* IPPROTO_UDP or IPPROTO_TCP */
	uint8_t family; /* AF_INET, AF_INET6; AF_UNSPEC: both (an IPv6 socket that takes IPv4 too) */
	bool any;                   /* not bound to an address */
	uint16_t port;              /* host byte order */
	uint64_t inode;             /* of the socket: what /proc/PID/fd shows */
	union flow_address address; /* unless any */
};

struct host {
	size_t listeners;
	size_t left_out; /* listeners */
	struct addresses addresses;
	struct host_listener listener[HOST_LISTENERS_MAX];
};

/* Forgets everything, for filling it anew. */
void host_clear(struct host *host);

void host_add_listener(struct host *host, const struct host_listener *listener);

/* Listeners and addresses that there was no room for: their flows may be taken for others'. */
size_t host_left_out(const struct host *host);

/* Sorts what was added: before the first lookup. */
void host_ready(struct host *host);

/*
 * The listener that packets to this local end reach: the one bound to the address before one
 * that takes any, one of this family before one that takes both, as the kernel prefers them
 * (net/ipv4/udp.c, compute_score); NULL if there is none. It belongs to host.
 */
const struct host_listener *host_find_listener(const struct host *host, uint8_t proto,
					       uint8_t family,
					       const union flow_address *address,
					       uint16_t port);

/* A number that changes when a listener comes or goes; one at a port as clients have does not count. */
uint64_t host_fingerprint(const struct host *host);

/*
 * The inodes of the sockets that share a listener's protocol, port and address: of one
 * service, be it for several workers (SO_REUSEPORT) or a socket for each family. Returns
 * how many there are, of which the first max are in inodes.
 */
size_t host_group(const struct host *host, const struct host_listener *listener,
		  uint64_t *inodes, size_t max);

#endif
