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
 * Blocks for as long as the kernel takes (1.1 us an entry by filter). Success also
 * if there was none. *deleted (may be NULL) is the number of entries deleted where the way
 * counts them, else 0. Returns 0 or -errno.
 */
int reclaim_service(struct nl *nl, enum reclaim_way way, const struct service *service,
		    uint32_t *deleted);

#endif
