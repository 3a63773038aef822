// SPDX-License-Identifier: GPL-2.0-or-later
/* Sockets of a sock_diag dump: each that is read is found again. */
#include "conntrack/listeners.c"

#include <assert.h>
#include <stdlib.h>

#include "lib/nl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_found(const struct host *host)
{
	const struct host_listener *first = &host->listener[0];
	uint8_t family = first->family == AF_UNSPEC ? AF_INET6 : first->family;
	uint64_t inode;

	assert(family == AF_INET || family == AF_INET6);
	assert(first->port != 0);
	assert(host_find_listener(host, first->proto, family, &first->address,
				  first->port) == first);
	assert(host_group(host, first, &inode, 1) == 1 && inode == first->inode);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nlmsghdr *message;
	struct sockdiag_socket socket;
	struct host *host;

	if (size < MNL_NLMSG_HDRLEN)
		return 0;
	message = malloc(size);
	host = calloc(1, sizeof(*host));
	assert(message && host);
	memcpy(message, data, size);
	message->nlmsg_len = (uint32_t)size;
	if (sockdiag_parse(message, IPPROTO_UDP, &socket))
		add(&socket, host);
	host_ready(host);
	if (host->listeners)
		check_found(host);
	free(host);
	free(message);
	return 0;
}
