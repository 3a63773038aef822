/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_DIAL_H
#define SERVER_DIAL_H

#include <stdint.h>

#include "server/target.h"

/*
 * Client sockets: nonblocking, close-on-exec. Functions that make one return its
 * descriptor, which the caller closes, or -errno.
 */

/*
 * A socket bound to local (NULL: the kernel chooses all of it at connect). A port of 0
 * in local is chosen at connect too, so that the same port serves several targets.
 */
int dial_socket(const struct target *target, const union endpoint *local);

/* Connects it to target. Returns 0, -EINPROGRESS (ready when writable) or -errno. */
int dial_connect(int fd, const struct target *target);

/*
 * A UDP socket of target's family on this port of every local address, that gives and takes
 * the local address of each datagram as IP_PKTINFO or IPV6_PKTINFO.
 */
int dial_wildcard(const struct target *target, uint16_t port);

/* Makes the receive buffer as large as it is allowed to be, up to bytes. */
void dial_grow_buffer(int fd, int bytes);

/* How many datagrams the socket had to drop because its receive buffer was full. */
uint64_t dial_overruns(int fd);

/* Raises the limit of open descriptors to what is allowed and returns it. */
uint64_t dial_raise_descriptors(void);

/* How many ports the kernel chooses from at connect (net.ipv4.ip_local_port_range). */
uint64_t dial_ephemeral_ports(void);

/*
 * Whether an address is one of this host: an address of an interface, or one of a prefix that was
 * made local by a route (AnyIP). Asks the routing table. Returns 0 or -errno.
 */
int dial_is_local(const union endpoint *address, bool *out);

#endif
