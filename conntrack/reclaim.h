/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_RECLAIM_H
#define CONNTRACK_RECLAIM_H

#include <stdbool.h>
#include <stdint.h>

struct addresses;
struct nl;
struct service;

enum reclaim_way {
	RECLAIM_FILTER, /* a filtered message for each address, kernel 6.12 and newer */
	RECLAIM_DUMP,   /* dump the service's entries and delete each */
};

/*
 * Finds out which way this kernel can, without deleting anything: a filtered delete
 * of what cannot exist, which kernels before 6.12 refuse with EINVAL. Returns 0
 * or -errno.
 */
int reclaim_probe(struct nl *nl, enum reclaim_way *out);

/*
 * Deletes the entries of service: this is for after its packets are no longer tracked.
 * Which those are says flow_of_service(): flows to the same port of other hosts, that this host
 * opens or forwards, stay. local are the addresses of this host, read just before. The
 * filtered way is one message for each local IPv4 address that has a real share of the entries;
 * what remains, and what no message can select, is looked at one by one, as in the dump
 * way: IPv6, ranges of ports, outbound services, and TCP flows with swapped ends. Works in the
 * network namespace of the calling thread. Blocks for as long as the kernel takes: with
 * 200,000 entries 0.3 s by filter, 0.9 s by dump. Success also if there was none. *deleted
 * (may be NULL) is how many entries were asked to be deleted one by one. Returns 0 or
 * -errno; then some may be deleted.
 */
int reclaim_service(struct nl *nl, enum reclaim_way way, const struct service *service,
		    const struct addresses *local, uint32_t *deleted);

#endif
