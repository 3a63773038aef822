/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_RECLAIM_H
#define CONNTRACK_RECLAIM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct addresses;
struct flow;
struct nl;
struct service;

/* Whose entries are to be deleted. All of it is borrowed. */
struct reclaim {
	const struct service *service;
	const struct addresses *local; /* the addresses of this host, read just before */
	/* Of the service's flows only those for which this is true; NULL: all. */
	bool (*chosen)(const struct flow *flow, const void *data);
	const void *data;
	_Atomic uint32_t
		*deleted; /* how many were asked to be deleted is added as it goes */
	const atomic_bool *stop; /* set it to end before the end: -ECANCELED */
};

/*
 * Deletes the entries of a service: this is for after its packets are no longer tracked.
 * Which those are says flow_of_service(): flows to the same port of other hosts, that this host
 * opens or forwards, stay. The table is dumped and what is found deleted, some hundred entries
 * a batch. Works in the network namespace of the calling thread.
 *
 * One filtered message (kernel 6.12) would be faster, 0.24 s instead of 0.9 to 1.6 s for 200,000 entries,
 * but all that time it holds the lock that every request to conntrack takes: a poll of the
 * count in another thread then waited for 230 ms, beside this for 28 ms at most.
 * Success also if there was none. Returns 0 or -errno; then some may be deleted.
 */
int reclaim_service(struct nl *nl, const struct reclaim *order);

#endif
