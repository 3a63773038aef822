/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_ROUTES_H
#define CONNTRACK_ROUTES_H

struct addresses;
struct nl;

/*
 * Reads this host's addresses from the routes of type "local" in the table "local": those of its
 * interfaces, 127.0.0.0/8, and whole prefixes ("ip route add local 192.0.2.0/24 dev lo"); and those that
 * it shares, of the types "broadcast" and "anycast".
 * route is a conversation with NETLINK_ROUTE, in the network namespace to ask about; needs no
 * privilege. The kernel looks for them itself, so other routes cost little, however many
 * they are. *out is ready for lookups. Returns 0, or -errno and leaves *out as it
 * was: -EINTR if routes kept changing, -E2BIG if the kernel cannot select and has
 * too many others.
 */
int routes_read_local(struct nl *route, struct addresses *out);

#endif
