/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_LISTENERS_H
#define CONNTRACK_LISTENERS_H

struct host;
struct nl;

/*
 * Reads this network namespace's addresses, listening TCP sockets and UDP sockets that
 * are not connected into host, which was zeroed or read before, and makes it ready. diag is a
 * conversation with NETLINK_SOCK_DIAG, route with NETLINK_ROUTE; neither needs a
 * privilege. Returns 0 or -errno (-ENOENT: a kernel without inet_diag); host then has the
 * sockets that were read so far, addresses of now or of the time before, and is ready too.
 */
int listeners_read(struct nl *diag, struct nl *route, struct host *host);

#endif
