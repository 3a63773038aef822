/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_RECLAIM_H
#define CONNTRACK_RECLAIM_H

#include <stdbool.h>
#include <stdint.h>

struct nl;
struct service;

enum reclaim_way {
	RECLAIM_FILTER, /* one filtered message a family, kernel 6.12 and newer */
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
 * Entries are selected by protocol, port and, if the service is bound to one, address:
 * flows of the same port that this host forwards are among them. The filtered way is one
 * message a family; ranges of ports and bound IPv6 addresses take the dump way in any case,
 * and TCP looks for flows with swapped ends by a walk of its own. Works in the network
 * namespace of the calling thread. Blocks for as long as the kernel takes (by
 * filter about 1.1 us an entry, by dump 4 us). Success also if there was none. *deleted (may
 * be NULL) is how many entries were asked to be deleted one by one, 0 by filter. Returns
 * 0 or -errno; then some may be deleted.
 */
int reclaim_service(struct nl *nl, enum reclaim_way way, const struct service *service,
		    uint32_t *deleted);

#endif
