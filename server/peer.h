/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_PEER_H
#define SERVER_PEER_H

#include <stdint.h>
#include <sys/socket.h>

/*
 * An address and port in one form for both families, without padding, so that its bytes can
 * be compared and hashed. Pure.
 */
struct peer {
	uint8_t address[16]; /* IPv4 in the first four */
	uint32_t scope;      /* interface of a link-local address; 0 otherwise */
	uint16_t port;       /* host byte order */
	uint16_t family;     /* AF_INET or AF_INET6 */
};

/* From an IPv4 or IPv6 address. */
void peer_from(const struct sockaddr *address, struct peer *out);

/* Back to one; out must have room for either family. Returns its bytes. */
socklen_t peer_address(const struct peer *peer, struct sockaddr *out);

/*
 * Reduces it to what one owner has: an IPv4 address or an IPv6 /64, without the port.
 */
void peer_to_source(struct peer *peer);

#endif
