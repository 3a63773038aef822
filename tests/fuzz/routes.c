// SPDX-License-Identifier: GPL-2.0-or-later
/* Routes of a dump: of each that is taken, its first address is one of this host's, or one that it shares. */
#include "conntrack/routes.c"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_there(const struct addresses *addresses, uint8_t family,
		     const struct address_prefix *prefix)
{
	return prefix->shared ? addresses_share(addresses, family, &prefix->address)
			      : addresses_have(addresses, family, &prefix->address);
}

static void read_route(const struct nlmsghdr *message, uint8_t family)
{
	struct addresses *addresses = calloc(1, sizeof(*addresses));
	struct reading reading = { .family = family, .addresses = addresses };

	assert(addresses);
	if (route_cb(message, &reading) != MNL_CB_OK)
		abort();
	addresses_ready(addresses);
	assert(addresses->count + addresses->prefixes + addresses->left_out +
		       reading.unwanted ==
	       1);
	if (addresses->count)
		assert(is_there(addresses, family, &addresses->address[0]));
	if (addresses->prefixes)
		assert(is_there(addresses, family, &addresses->prefix[0]));
	free(addresses);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nlmsghdr *message;

	if (size < MNL_NLMSG_HDRLEN)
		return 0;
	message = malloc(size);
	assert(message);
	memcpy(message, data, size);
	message->nlmsg_len = (uint32_t)size;
	read_route(message, AF_INET);
	read_route(message, AF_INET6);
	free(message);
	return 0;
}
