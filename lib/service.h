/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIB_SERVICE_H
#define LIB_SERVICE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct args_why;

/* Enough for "out:udp/[" + an IPv6 address + "]:10000-20000". */
enum { SERVICE_TEXT_MAX = 80 };

/*
 * What ctkit acts on: the flows to a local port ("udp/53", "tcp/[2001:db8::1]:443",
 * "udp/10000-20000"), or, outbound, the flows that this host opens to a remote port
 * ("out:udp/53"). A plain value.
 */
struct service {
	bool outbound;
	uint8_t proto; /* IPPROTO_UDP or IPPROTO_TCP */
	uint8_t family; /* AF_INET or AF_INET6 when bound to addr; AF_UNSPEC: every address */
	union {
		struct in_addr v4;
		struct in6_addr v6;
	} addr;
	uint16_t first_port; /* host byte order, 1..65535 */
	uint16_t last_port;  /* >= first_port; equal unless a range */
};

/*
 * Parses "[out:]PROTO/[ADDR:]PORT[-PORT]". Returns 0, or -EINVAL with one sentence
 * in *why that quotes the text and says which part is wrong.
 */
int service_parse(const char *text, struct service *out, struct args_why *why);

/* The canonical text, which service_parse() reads back. */
void service_format(const struct service *service, char text[SERVICE_TEXT_MAX]);

bool service_equal(const struct service *a, const struct service *b);

/* Whether a flow could belong to both: same direction and protocol, overlapping ports and addresses. */
bool service_overlaps(const struct service *a, const struct service *b);

/* "udp" or "tcp". */
const char *service_proto_name(uint8_t proto);

#endif
