/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_CONNECTIONS_H
#define CONNTRACK_CONNECTIONS_H

#include <stdint.h>

struct nl;
struct service;

/*
 * Counts the open TCP connections of service that end at sockets of this network
 * namespace; diag is a conversation with NETLINK_SOCK_DIAG there. Stops at most: where there
 * are that many, how many more does not matter. The kernel selects by port, so
 * that others cost no message. 0 for UDP, whose sockets say nothing of flows. Blocks for as long
 * as it takes, about 1 us a connection. Returns 0 or -errno.
 */
int connections_count(struct nl *diag, const struct service *service, uint32_t most,
		      uint32_t *out);

#endif
