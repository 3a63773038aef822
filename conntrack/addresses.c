// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/addresses.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

void addresses_clear(struct addresses *addresses)
{
	addresses->count = 0;
	addresses->prefixes = 0;
	addresses->left_out = 0;
}

void addresses_copy(const struct addresses *from, struct addresses *out)
{
	out->count = from->count;
	out->prefixes = from->prefixes;
	out->left_out = from->left_out;
	memcpy(out->address, from->address, from->count * sizeof(from->address[0]));
	memcpy(out->prefix, from->prefix, from->prefixes * sizeof(from->prefix[0]));
}

static size_t address_bytes(uint8_t family)
{
	return family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);
}

void addresses_add(struct addresses *addresses, const struct address_prefix *prefix)
{
	size_t whole = 8 * address_bytes(prefix->family);

	if (prefix->bits == whole && addresses->count < ADDRESSES_MAX)
		addresses->address[addresses->count++] = *prefix;
	else if (prefix->bits < whole && addresses->prefixes < ADDRESSES_PREFIXES_MAX)
		addresses->prefix[addresses->prefixes++] = *prefix;
	else
		addresses->left_out++;
}

static int compare_addresses(const void *left, const void *right)
{
	const struct address_prefix *a = left, *b = right;

	if (a->shared != b->shared)
		return a->shared ? 1 : -1;
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(&a->address, &b->address, address_bytes(a->family));
}

void addresses_ready(struct addresses *addresses)
{
	qsort(addresses->address, addresses->count, sizeof(addresses->address[0]),
	      compare_addresses);
}

static bool covers(const struct address_prefix *prefix, uint8_t family,
		   const void *address)
{
	const uint8_t *a = (const uint8_t *)&prefix->address, *b = address;
	size_t bytes = prefix->bits / 8U;
	unsigned rest = prefix->bits % 8U;

	if (prefix->family != family || memcmp(a, b, bytes) != 0)
		return false;
	return rest == 0 || (a[bytes] ^ b[bytes]) >> (8 - rest) == 0;
}

static bool is_loopback(uint8_t family, const void *address)
{
	if (family == AF_INET)
		return *(const uint8_t *)address == IN_LOOPBACKNET;
	return memcmp(address, &in6addr_loopback, sizeof(in6addr_loopback)) == 0;
}

/* Multicast, and the broadcast of whatever network: no route of the local table tells of them. */
static bool is_for_all(uint8_t family, const void *address)
{
	struct in_addr v4;

	if (family == AF_INET6)
		return IN6_IS_ADDR_MULTICAST((const struct in6_addr *)address);
	memcpy(&v4, address, sizeof(v4));
	return IN_MULTICAST(ntohl(v4.s_addr)) || v4.s_addr == htonl(INADDR_BROADCAST);
}

static bool is_listed(const struct addresses *addresses, uint8_t family,
		      const void *address, bool shared)
{
	struct address_prefix key = { .family = family, .shared = shared };

	memcpy(&key.address, address, address_bytes(family));
	if (bsearch(&key, addresses->address, addresses->count, sizeof(key),
		    compare_addresses))
		return true;
	for (size_t i = 0; i < addresses->prefixes; i++) {
		if (addresses->prefix[i].shared == shared &&
		    covers(&addresses->prefix[i], family, address))
			return true;
	}
	return false;
}

bool addresses_have(const struct addresses *addresses, uint8_t family,
		    const void *address)
{
	return is_loopback(family, address) ||
	       is_listed(addresses, family, address, false);
}

bool addresses_share(const struct addresses *addresses, uint8_t family,
		     const void *address)
{
	return is_for_all(family, address) || is_listed(addresses, family, address, true);
}
