/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIB_SOCKDIAG_H
#define LIB_SOCKDIAG_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct nl;
struct nlmsghdr;

/* A socket that takes what was not asked for by it: TCP's listening, UDP's that are not connected. */
struct sockdiag_socket {
	uint8_t proto; /* IPPROTO_UDP or IPPROTO_TCP */
	uint8_t family; /* AF_INET, AF_INET6; AF_UNSPEC: both (an IPv6 socket that takes IPv4 too) */
	bool any;       /* not bound to an address */
	uint16_t port;  /* host byte order, not 0 */
	uint64_t inode; /* what /proc/PID/fd shows */
	union {
		struct in_addr v4;
		struct in6_addr v6;
	} address; /* unless any */
};

/*
 * Gives found every such socket of the network namespace in which diag, a conversation with
 * NETLINK_SOCK_DIAG, was opened; it needs no privilege. Returns 0 or -errno (-ENOENT: a kernel
 * without inet_diag) after what could be read was given. A socket that comes or goes meanwhile may
 * be missing or be there twice.
 */
int sockdiag_read(struct nl *diag,
		  void (*found)(const struct sockdiag_socket *socket, void *data),
		  void *data);

/* Reads one message of an answer about proto. False if it is no such socket. Pure. */
bool sockdiag_parse(const struct nlmsghdr *message, uint8_t proto,
		    struct sockdiag_socket *out);

#endif
