// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/host.h"

#include <stdlib.h>

void host_clear(struct host *host)
{
	addresses_clear(&host->addresses);
	host->listeners = 0;
	host->left_out = 0;
}

void host_add_listener(struct host *host, const struct host_listener *listener)
{
	if (host->listeners < HOST_LISTENERS_MAX)
		host->listener[host->listeners++] = *listener;
	else
		host->left_out++;
}

size_t host_left_out(const struct host *host)
{
	return host->left_out + host->addresses.left_out;
}

/*
 * By protocol and port; of one port, those bound to an address first, those of both families
 * last; of several workers' the oldest first, so that it is the same at each reading.
 */
static int compare_listeners(const void *left, const void *right)
{
	const struct host_listener *a = left, *b = right;

	if (a->proto != b->proto)
		return a->proto < b->proto ? -1 : 1;
	if (a->port != b->port)
		return a->port < b->port ? -1 : 1;
	if (a->any != b->any)
		return (int)a->any - (int)b->any;
	if ((a->family == AF_UNSPEC) != (b->family == AF_UNSPEC))
		return a->family == AF_UNSPEC ? 1 : -1;
	if (a->inode != b->inode)
		return a->inode < b->inode ? -1 : 1;
	return 0;
}

void host_ready(struct host *host)
{
	addresses_ready(&host->addresses);
	qsort(host->listener, host->listeners, sizeof(host->listener[0]),
	      compare_listeners);
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
	/* Sorts before all listeners at that port. */
	const struct host_listener key = { .proto = proto,
					   .family = family,
					   .port = port };

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

uint64_t host_fingerprint(const struct host *host)
{
	uint64_t sum = 0;

	/* Whatever the order of the sockets. */
	for (size_t i = 0; i < host->listeners; i++) {
		const struct host_listener *listener = &host->listener[i];

		if (listener->port < FLOW_EPHEMERAL_FIRST)
			sum += (listener->inode + 1) * 0x9e3779b97f4a7c15U;
	}
	return sum;
}

size_t host_group(const struct host *host, const struct host_listener *listener,
		  uint64_t *inodes, size_t max)
{
	/* Sorts before all listeners at that port, of whatever family. */
	const struct host_listener key = { .proto = listener->proto,
					   .family = AF_INET,
					   .port = listener->port };
	size_t count = 0;

	for (size_t i = lower_bound(host, &key); i < host->listeners; i++) {
		const struct host_listener *other = &host->listener[i];

		if (other->proto != listener->proto || other->port != listener->port)
			break;
		if (other->any != listener->any)
			continue;
		if (!listener->any && (other->family != listener->family ||
				       !flow_same_address(other->family, &other->address,
							  &listener->address)))
			continue;
		if (count < max)
			inodes[count] = other->inode;
		count++;
	}
	return count;
}
