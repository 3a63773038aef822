// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel's dumps of a host, read and turned into what makes them again: nothing is read or written out
 * of bounds, and no message gets longer than is said.
 */
#include "rules/copy.c"
#include "rules/replica.c"

#include <assert.h>

#include "rules/remake.h"
#include "rules/watch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_rules(const struct nlmsghdr *message)
{
	const struct watch watch = { .count = 0 };
	size_t bytes = message->nlmsg_len + (size_t)REMAKE_ROOM_BYTES;
	void *made = malloc(bytes);
	uint64_t reached = 0;

	assert(made);
	assert(remake_message(message, 1, WATCH_NONE, made, bytes) <= bytes);
	assert(remake_message(message, 1, WATCH_MAX - 1, made, bytes) <= bytes);
	assert(watch_number(&watch, message) == WATCH_NONE);
	watch_note(message, &reached);
	free(made);
}

static void try_route(enum copy_kind kind, struct nlmsghdr *message)
{
	makes_itself(kind, message);
	if (mnl_nlmsg_get_payload_len(message) < KINDS[kind].header)
		return;
	left_out(kind, message);
	clear_states(kind, message);
}

static void try_message(struct nlmsghdr *message)
{
	static struct copy copy;

	switch (message->nlmsg_type) {
	case RTM_NEWLINK:
		copy.links = 0;
		assert(link_cb(message, &copy) == MNL_CB_OK);
		assert(memchr(copy.link[0].name, '\0', sizeof(copy.link[0].name)));
		break;
	case RTM_NEWADDR: try_route(COPY_ADDRESSES, message); break;
	case RTM_NEWROUTE: try_route(COPY_ROUTES, message); break;
	case RTM_NEWNEXTHOP: try_route(COPY_NEXTHOPS, message); break;
	case RTM_NEWRULE: try_route(COPY_POLICIES, message); break;
	default: try_rules(message); break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct nlmsghdr *header = (const struct nlmsghdr *)data;
	int left = (int)size;

	/* libmnl takes lengths beyond INT_MAX for negative ones. */
	for (; mnl_nlmsg_ok(header, left) && header->nlmsg_len <= (size_t)left;
	     header = mnl_nlmsg_next(header, &left)) {
		/* As long as it is, so that what is behind it is out of bounds. */
		struct nlmsghdr *message = malloc(header->nlmsg_len);

		assert(message);
		memcpy(message, header, header->nlmsg_len);
		try_message(message);
		free(message);
	}
	return 0;
}
