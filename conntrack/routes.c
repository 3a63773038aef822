// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/routes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/rtnetlink.h>

#include "conntrack/addresses.h"
#include "lib/nl.h"

/* Routes that were not asked for: only a kernel before 4.20, which does not select, sends any. */
enum { UNWANTED_MAX = 65536 };

/* A table that changes while it is read is read again. */
enum { ATTEMPTS = 5 };

/* What the callback of one dump works on. */
struct reading {
	uint8_t family;
	uint32_t unwanted;
	struct addresses *addresses;
};

/* Finds the destination; a route without one is for all. False if it is malformed. */
static bool parse_destination(const struct nlmsghdr *message, struct address_prefix *out)
{
	const struct rtmsg *route = mnl_nlmsg_get_payload(message);
	size_t bytes = route->rtm_family == AF_INET ? sizeof(struct in_addr)
						    : sizeof(struct in6_addr);
	const struct nlattr *attr;
	bool found = false;

	mnl_attr_for_each(attr, message, sizeof(*route)) {
		if (mnl_attr_get_type(attr) != RTA_DST)
			continue;
		if (mnl_attr_get_payload_len(attr) != bytes)
			return false;
		memcpy(&out->address, mnl_attr_get_payload(attr), bytes);
		found = true;
	}
	return route->rtm_dst_len <= 8 * bytes && (found || route->rtm_dst_len == 0);
}

static bool is_shared(const struct rtmsg *route)
{
	return route->rtm_type == RTN_BROADCAST || route->rtm_type == RTN_ANYCAST;
}

/*
 * A table whose number is more than rtm_table holds shows RT_TABLE_COMPAT there: none is
 * mistaken.
 */
static bool is_wanted(const struct nlmsghdr *message, uint8_t family)
{
	const struct rtmsg *route = mnl_nlmsg_get_payload(message);

	return message->nlmsg_type == RTM_NEWROUTE &&
	       message->nlmsg_len >= MNL_NLMSG_HDRLEN + sizeof(*route) &&
	       route->rtm_family == family && route->rtm_table == RT_TABLE_LOCAL &&
	       (route->rtm_type == RTN_LOCAL || is_shared(route));
}

static int route_cb(const struct nlmsghdr *message, void *data)
{
	struct reading *reading = data;
	const struct rtmsg *route = mnl_nlmsg_get_payload(message);
	struct address_prefix prefix = { .family = reading->family };

	if (is_wanted(message, reading->family) && parse_destination(message, &prefix)) {
		prefix.bits = route->rtm_dst_len;
		prefix.shared = is_shared(route);
		addresses_add(reading->addresses, &prefix);
		return MNL_CB_OK;
	}
	if (++reading->unwanted <= UNWANTED_MAX)
		return MNL_CB_OK;
	errno = E2BIG;
	return MNL_CB_ERROR;
}

static int read_family(struct nl *nl, uint8_t family, struct addresses *addresses)
{
	struct reading reading = { .family = family, .addresses = addresses };
	struct nlmsghdr *message = nl_begin(nl, RTM_GETROUTE, NLM_F_DUMP);
	struct rtmsg *request = mnl_nlmsg_put_extra_header(message, sizeof(*request));
	int err;

	request->rtm_family = family;
	/* All types: there are hardly others in that table, and a request can select but one. */
	request->rtm_table = RT_TABLE_LOCAL;
	err = nl_transact(nl, route_cb, &reading);
	/* No such table yet, or no such family in this kernel: then it has no address either. */
	if (err == -ENOENT || err == -EAFNOSUPPORT || err == -EOPNOTSUPP)
		return 0;
	return err;
}

static int read_all(struct nl *nl, struct addresses *addresses)
{
	int err = -EINTR;

	for (int i = 0; err == -EINTR && i < ATTEMPTS; i++) {
		addresses_clear(addresses);
		err = read_family(nl, AF_INET, addresses);
		if (!err)
			err = read_family(nl, AF_INET6, addresses);
	}
	return err;
}

int routes_read_local(struct nl *route, struct addresses *out)
{
	struct addresses *fresh = calloc(1, sizeof(*fresh));
	int err;

	if (!fresh)
		return -ENOMEM;
	err = read_all(route, fresh);
	if (!err) {
		addresses_ready(fresh);
		addresses_copy(fresh, out);
	}
	free(fresh);
	return err;
}
