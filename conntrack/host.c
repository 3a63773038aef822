// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/host.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

void host_clear(struct host *host)
{
	host->addresses = 0;
	host->listeners = 0;
	host->left_out = 0;
}

void host_add_address(struct host *host, const struct host_address *address)
{
	if (host->addresses < HOST_ADDRESSES_MAX)
		host->address[host->addresses++] = *address;
	else
		host->left_out++;
}

void host_add_listener(struct host *host, const struct host_listener *listener)
{
	if (host->listeners < HOST_LISTENERS_MAX)
		host->listener[host->listeners++] = *listener;
	else
		host->left_out++;
}

static size_t address_bytes(uint8_t family)
{
	return family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);
}

static int compare_addresses(const void *left, const void *right)
{
	const struct host_address *a = left, *b = right;

	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(&a->address, &b->address, address_bytes(a->family));
}

/* By protocol and port; of one port, those bound to an address first. */
static int compare_listeners(const void *left, const void *right)
{
	const struct host_listener *a = left, *b = right;

	if (a->proto != b->proto)
		return a->proto < b->proto ? -1 : 1;
	if (a->port != b->port)
		return a->port < b->port ? -1 : 1;
	return (int)a->any - (int)b->any;
}

void host_ready(struct host *host)
{
	qsort(host->address, host->addresses, sizeof(host->address[0]),
	      compare_addresses);
	qsort(host->listener, host->listeners, sizeof(host->listener[0]),
	      compare_listeners);
}

static bool is_loopback(uint8_t family, const union flow_address *address)
{
	if (family == AF_INET)
		return ntohl(address->v4.s_addr) >> 24 == IN_LOOPBACKNET;
	return IN6_IS_ADDR_LOOPBACK(&address->v6);
}

bool host_has_address(const struct host *host, uint8_t family,
		      const union flow_address *address)
{
	const struct host_address key = { .family = family, .address = *address };

	return is_loopback(family, address) ||
	       bsearch(&key, host->address, host->addresses, sizeof(key),
		       compare_addresses);
}

/* Where a port's listeners begin, or would. */
static size_t lower_bound(const struct host *host, const struct host_listener *key)
{
	size_t low = 0, high = host->listeners;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (compare_listeners(&host->listener[middle], key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct host_listener *host_find_listener(const struct host *host, uint8_t proto,
					       uint8_t family,
					       const union flow_address *address,
					       uint16_t port)
{
	const struct host_listener key = { .proto = proto, .port = port };

	for (size_t i = lower_bound(host, &key); i < host->listeners; i++) {
		const struct host_listener *listener = &host->listener[i];

		if (listener->proto != proto || listener->port != port)
			return NULL;
		if (listener->family != AF_UNSPEC && listener->family != family)
			continue;
		if (listener->any ||
		    flow_same_address(family, &listener->address, address))
			return listener;
	}
	return NULL;
}
