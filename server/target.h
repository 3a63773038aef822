/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_TARGET_H
#define SERVER_TARGET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/service.h"

struct args_why;

/* An address and port as the kernel takes them. */
union endpoint {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* Whom to load. A plain value. */
struct target {
	uint8_t proto; /* IPPROTO_UDP or IPPROTO_TCP */
	union endpoint endpoint;
	char text[SERVICE_TEXT_MAX]; /* "udp/10.77.0.1:9000" */
};

/* Numbers of addresses are multiplied by numbers of ports: both must fit. */
#define SOURCE_ADDRESSES_MAX (UINT64_C(1) << 32)

enum { SOURCE_TEXT_MAX = INET6_ADDRSTRLEN + 4 };

/* Local addresses to load it from: the whole of a prefix, its first and last address too. */
struct source {
	uint8_t family; /* AF_INET or AF_INET6 */
	union {
		struct in_addr v4;
		struct in6_addr v6;
	} first;
	uint64_t
		addresses; /* at most SOURCE_ADDRESSES_MAX; the rest of a larger prefix is not used */
	char text[SOURCE_TEXT_MAX]; /* "10.78.0.0/16" */
};

/*
 * Parses "PROTO/ADDR:PORT", or, if proto is not 0, also "ADDR:PORT"; numeric addresses only,
 * IPv6 in brackets. proto, if not 0, must be the one in the text. Returns 0, or
 * -EINVAL with one sentence in *why.
 */
int target_parse(const char *text, uint8_t proto, struct target *out,
		 struct args_why *why);

/*
 * Whether the address is nobody else's: loopback, private (RFC 1918, RFC 4193) or link-local,
 * also when mapped into IPv6. Everything else counts as public: documentation and
 * shared (RFC 6598) prefixes, multicast and the unspecified address too.
 */
bool target_is_private(const struct target *target);

/* Bytes of the address, for connect() and sendmsg(). */
socklen_t endpoint_size(const union endpoint *endpoint);

/* Whether both are the same address and port. */
bool endpoint_equal(const union endpoint *a, const union endpoint *b);

/* Parses "ADDR/BITS" or a single "ADDR". Returns 0, or -EINVAL with one sentence in *why. */
int source_parse(const char *text, struct source *out, struct args_why *why);

/* Address number i (0..addresses-1) with this port (host byte order). */
void source_endpoint(const struct source *source, uint64_t i, uint16_t port,
		     union endpoint *out);

/*
 * The number of an address: the reverse of source_endpoint(). Returns 0, or -ENOENT
 * if it is not one of them.
 */
int source_number(const struct source *source, const void *address, uint64_t *out);

#endif
