/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_SOCKET_H
#define SERVER_SOCKET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* Asked for each UDP socket: a worker that is busy for some ms must not lose a burst. */
enum { SOCKET_BUFFER_BYTES = 4 * 1024 * 1024 };

/*
 * What the kernel may hold of a feed that its client does not read. Fixed, so that it
 * does not tune itself up to megabytes for each of a million clients.
 */
enum { SOCKET_FEED_BUFFER_BYTES = 16 * 1024 };

/* An address to listen on, of either family. */
union socket_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* Bytes of an address of its family. */
socklen_t socket_address_bytes(const union socket_address *address);

/* Whether this kernel has IPv6 and lets sockets be bound to it. */
bool socket_have_ipv6(void);

/*
 * Opens a socket of proto (IPPROTO_UDP, IPPROTO_TCP) that listens on address, IPv6 for
 * IPv6 only, not blocking. The first of a group claims the address: it fails with
 * -EADDRINUSE if anyone has it, also another ctserve. Those after it join (shared).
 * Returns a descriptor, which the caller closes, or -errno.
 */
int socket_claim(int proto, const union socket_address *address);
int socket_join(int proto, const union socket_address *address);

/* Gets a socket that someone else has opened and bound ready to be served. Returns 0 or -errno. */
int socket_adopt(int fd, int proto);

/* Makes the connections that a listening socket accepts write little and at once. */
int socket_tune_feed(int fd);

/* Makes a UDP socket say where each datagram was sent to (IP_PKTINFO). */
int socket_want_destination(int fd, sa_family_t family);

/* Makes a UDP socket say how many hops each datagram had left (IP_RECVTTL). */
int socket_want_hops(int fd, sa_family_t family);

/*
 * Gives what arrives for the group that a bound UDP socket is in to socket number CPU % count of
 * it, in the order in which they were bound, CPU being the one that the kernel takes it in on
 * (SO_ATTACH_REUSEPORT_CBPF). Returns 0 or -errno.
 */
int socket_steer_by_cpu(int fd, unsigned count);

/* How many hops what a socket sends may go, unless a datagram is told otherwise. */
int socket_set_hops(int fd, sa_family_t family, int hops);

/*
 * Whether an IPv4 socket sends what is too large for the way in fragments, as it does at
 * first, or fails with EMSGSIZE. Without them the kernel needs no number for each datagram,
 * which is 4 % of the cost of an echo.
 */
int socket_set_fragments(int fd, bool allowed);

/*
 * Makes a UDP socket receive a burst of one flow as one message and say how it is cut up
 * (UDP_GRO). Returns -ENOPROTOOPT if the kernel has no such thing.
 */
int socket_want_bursts(int fd);

/* Whether address is one of this host's, whatever port it has; also when that cannot be found out. */
bool socket_address_is_local(const union socket_address *address);

/* Datagrams that the kernel dropped because the receive buffer of fd was full. */
uint64_t socket_overflows(int fd);

#endif
