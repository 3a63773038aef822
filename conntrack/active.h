/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_ACTIVE_H
#define CONNTRACK_ACTIVE_H

struct nl;

/*
 * Whether this network namespace tracks connections. Nothing says so: the kernel
 * answers all questions about an inactive table as about an empty one.
 */
enum active {
	ACTIVE_UNKNOWN, /* for callers: active_probe() failed */
	ACTIVE_NO,      /* a packet left no entry */
	ACTIVE_YES,
};

/*
 * Finds out: sends one datagram from 127.0.0.1 to itself, asks for its entry and deletes that.
 * Says NO also where loopback alone is exempted, so read it together with the number of entries.
 * Returns 0 or -errno: -ENETUNREACH if loopback is down, -EPERM if a firewall is in the way or
 * CAP_NET_ADMIN is missing, -EMFILE without descriptors.
 */
int active_probe(struct nl *nl, enum active *out);

#endif
