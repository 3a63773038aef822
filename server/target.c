// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/target.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/args.h"

enum { QUOTE_MAX = 60, V4_BITS = 32, V6_BITS = 128, LOW_BITS = 64 };

struct v4_prefix {
	uint32_t address; /* host byte order */
	unsigned bits;
};

static const struct v4_prefix PRIVATE_V4[] = {
	{ 0x7f000000, 8 },  /* 127.0.0.0/8 */
	{ 0x0a000000, 8 },  /* 10.0.0.0/8 */
	{ 0xac100000, 12 }, /* 172.16.0.0/12 */
	{ 0xc0a80000, 16 }, /* 192.168.0.0/16 */
	{ 0xa9fe0000, 16 }, /* 169.254.0.0/16 */
};

static bool has_proto(const char *text)
{
	return strncmp(text, "udp/", 4) == 0 || strncmp(text, "tcp/", 4) == 0;
}

static int refuse_target(const char *text, const char *what, struct args_why *why)
{
	snprintf(why->text, sizeof(why->text), "target \"%.*s\" %s", QUOTE_MAX, text,
		 what);
	return -EINVAL;
}

static void fill_endpoint(const struct service *service, union endpoint *out)
{
	memset(out, 0, sizeof(*out));
	if (service->family == AF_INET) {
		out->v4.sin_family = AF_INET;
		out->v4.sin_port = htons(service->first_port);
		out->v4.sin_addr = service->addr.v4;
	} else {
		out->v6.sin6_family = AF_INET6;
		out->v6.sin6_port = htons(service->first_port);
		out->v6.sin6_addr = service->addr.v6;
	}
}

int target_parse(const char *text, uint8_t proto, struct target *out,
		 struct args_why *why)
{
	char spec[SERVICE_TEXT_MAX];
	struct service service;
	struct target target;
	int length;

	if (!has_proto(text) && !proto)
		return refuse_target(text, "lacks its protocol, like udp/10.0.0.1:9000",
				     why);
	length = snprintf(spec, sizeof(spec), "%s%s%s",
			  has_proto(text) ? "" : service_proto_name(proto),
			  has_proto(text) ? "" : "/", text);
	if (length < 0 || length >= SERVICE_TEXT_MAX ||
	    service_parse(spec, &service, why) || service.outbound ||
	    service.first_port != service.last_port)
		return refuse_target(text,
				     "is not ADDR:PORT with a numeric address (IPv6 in "
				     "brackets) and a port 1 to 65535",
				     why);
	if (service.family == AF_UNSPEC)
		return refuse_target(text, "lacks an address", why);
	if (proto && service.proto != proto)
		return refuse_target(
			text, proto == IPPROTO_UDP ? "is not udp" : "is not tcp", why);
	target.proto = service.proto;
	fill_endpoint(&service, &target.endpoint);
	service_format(&service, target.text);
	*out = target;
	return 0;
}

static bool v4_is_private(uint32_t address)
{
	for (size_t i = 0; i < sizeof(PRIVATE_V4) / sizeof(PRIVATE_V4[0]); i++) {
		const struct v4_prefix *prefix = &PRIVATE_V4[i];

		if ((address ^ prefix->address) >> (V4_BITS - prefix->bits) == 0)
			return true;
	}
	return false;
}

bool target_is_private(const struct target *target)
{
	const struct in6_addr *v6 = &target->endpoint.v6.sin6_addr;
	uint32_t mapped;

	if (target->endpoint.any.sa_family == AF_INET)
		return v4_is_private(ntohl(target->endpoint.v4.sin_addr.s_addr));
	if (IN6_IS_ADDR_V4MAPPED(v6)) {
		memcpy(&mapped, &v6->s6_addr[12], sizeof(mapped));
		return v4_is_private(ntohl(mapped));
	}
	/* fc00::/7 is the IPv6 of private networks (RFC 4193). */
	return IN6_IS_ADDR_LOOPBACK(v6) || (v6->s6_addr[0] & 0xfe) == 0xfc ||
	       IN6_IS_ADDR_LINKLOCAL(v6);
}

socklen_t endpoint_size(const union endpoint *endpoint)
{
	return endpoint->any.sa_family == AF_INET ? sizeof(endpoint->v4)
						  : sizeof(endpoint->v6);
}

bool endpoint_equal(const union endpoint *a, const union endpoint *b)
{
	if (a->any.sa_family != b->any.sa_family || a->v4.sin_port != b->v4.sin_port)
		return false;
	if (a->any.sa_family == AF_INET)
		return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
	return IN6_ARE_ADDR_EQUAL(&a->v6.sin6_addr, &b->v6.sin6_addr);
}

static int refuse_source(const char *text, const char *what, struct args_why *why)
{
	snprintf(why->text, sizeof(why->text), "source \"%.*s\" %s", QUOTE_MAX, text,
		 what);
	return -EINVAL;
}

static bool parse_bits(const char *text, unsigned max, unsigned *out)
{
	unsigned bits = 0;
	size_t length = strlen(text);

	if (length == 0 || length > 3 || strspn(text, "0123456789") != length)
		return false;
	for (; *text; text++)
		bits = bits * 10 + (unsigned)(*text - '0');
	*out = bits;
	return bits <= max;
}

/* Whether all bits after the prefix are zero. */
static bool is_first_of_prefix(const uint8_t *address, unsigned bits, unsigned bits_max)
{
	for (unsigned i = bits; i < bits_max; i++) {
		if (address[i / 8] >> (7 - i % 8) & 1)
			return false;
	}
	return true;
}

int source_parse(const char *text, struct source *out, struct args_why *why)
{
	size_t length = strcspn(text, "/");
	struct source source = { .family =
					 memchr(text, ':', length) ? AF_INET6 : AF_INET };
	unsigned bits_max = source.family == AF_INET ? V4_BITS : V6_BITS;
	unsigned bits = bits_max;
	char address[INET6_ADDRSTRLEN];

	if (length < sizeof(address)) {
		memcpy(address, text, length);
		address[length] = '\0';
	}
	if (length >= sizeof(address) ||
	    inet_pton(source.family, address, &source.first) != 1)
		return refuse_source(text, "is not ADDR/BITS with a numeric address",
				     why);
	if (text[length] && !parse_bits(text + length + 1, bits_max, &bits))
		return refuse_source(text, "has a prefix length out of range", why);
	if (!is_first_of_prefix((const uint8_t *)&source.first, bits, bits_max))
		return refuse_source(text, "has address bits after the prefix", why);
	source.addresses = bits_max - bits >= 32 ? SOURCE_ADDRESSES_MAX
						 : UINT64_C(1) << (bits_max - bits);
	snprintf(source.text, sizeof(source.text), "%s/%u", address, bits);
	*out = source;
	return 0;
}

/* The last 64 bits of an IPv6 address: more than SOURCE_ADDRESSES_MAX never change. */
static uint64_t low_half(const struct in6_addr *address)
{
	uint64_t half;

	memcpy(&half, &address->s6_addr[LOW_BITS / 8], sizeof(half));
	return be64toh(half);
}

void source_endpoint(const struct source *source, uint64_t i, uint16_t port,
		     union endpoint *out)
{
	uint64_t half;

	memset(out, 0, sizeof(*out));
	if (source->family == AF_INET) {
		out->v4.sin_family = AF_INET;
		out->v4.sin_port = htons(port);
		out->v4.sin_addr.s_addr =
			htonl(ntohl(source->first.v4.s_addr) + (uint32_t)i);
		return;
	}
	out->v6.sin6_family = AF_INET6;
	out->v6.sin6_port = htons(port);
	out->v6.sin6_addr = source->first.v6;
	half = htobe64(low_half(&source->first.v6) + i);
	memcpy(&out->v6.sin6_addr.s6_addr[LOW_BITS / 8], &half, sizeof(half));
}

int source_number(const struct source *source, const void *address, uint64_t *out)
{
	uint64_t i;

	if (source->family == AF_INET) {
		struct in_addr v4;

		memcpy(&v4, address, sizeof(v4));
		i = (uint32_t)(ntohl(v4.s_addr) - ntohl(source->first.v4.s_addr));
	} else {
		struct in6_addr v6;

		memcpy(&v6, address, sizeof(v6));
		if (memcmp(&v6, &source->first.v6, LOW_BITS / 8) != 0)
			return -ENOENT;
		i = low_half(&v6) - low_half(&source->first.v6);
	}
	/* An address below the first has wrapped round, and is far above all. */
	if (i >= source->addresses)
		return -ENOENT;
	*out = i;
	return 0;
}
