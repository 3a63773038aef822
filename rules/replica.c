// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/replica.h"

#include <netinet/in.h>

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <string.h>

#include "lib/nl.h"
#include "rules/batch.h"
#include "rules/copy.h"

/* NHA_OP_FLAGS, _GROUP_STATS, _HW_STATS_USED: not in every header. */
enum { HOP_COUNTS = 1 << 14 | 1 << 15 | 1 << 17 };

/* How each kind is sent back: which header it has, and what in it is no part of what is asked for. */
static const struct {
	const char *name;
	size_t header;
	uint32_t left_out; /* attributes, a bit each: times of caches, what was counted */
} KINDS[] = {
	[COPY_ADDRESSES] = { "addresses", sizeof(struct ifaddrmsg), 1u << IFA_CACHEINFO },
	[COPY_NEXTHOPS] = { "nexthops", sizeof(struct nhmsg), HOP_COUNTS },
	[COPY_ROUTES] = { "routes", sizeof(struct rtmsg), 1u << RTA_CACHEINFO },
	[COPY_POLICIES] = { "policy rules", sizeof(struct fib_rule_hdr), 0 },
};

/* States of hops that the kernel takes from nobody: the cable's, the hardware's. */
static unsigned asked_flags(unsigned flags)
{
	return flags & (RTNH_F_ONLINK | RTNH_F_PERVASIVE);
}

/* The hops of a route with several, in place. */
static void clear_hops(void *data, size_t bytes)
{
	struct rtnexthop *hop = data;
	int left = (int)bytes;

	/* RTNH_OK() alone reads a length that may be cut off. */
	for (; left >= (int)sizeof(*hop) && RTNH_OK(hop, left); hop = RTNH_NEXT(hop)) {
		left -= (int)NLMSG_ALIGN(hop->rtnh_len);
		hop->rtnh_flags = (uint8_t)asked_flags(hop->rtnh_flags);
	}
}

static void clear_states(enum copy_kind kind, struct nlmsghdr *message)
{
	struct rtmsg *route = mnl_nlmsg_get_payload(message);
	struct nhmsg *hop = mnl_nlmsg_get_payload(message);
	struct ifaddrmsg *address = mnl_nlmsg_get_payload(message);
	const struct nlattr *attr;

	if (kind == COPY_ADDRESSES && address->ifa_family == AF_INET6) {
		/* There is nobody who could have it, too; without looking it is there at once. */
		address->ifa_flags |= IFA_F_NODAD;
		mnl_attr_for_each(attr, message, sizeof(*address))
			if (mnl_attr_get_type(attr) == IFA_FLAGS &&
			    mnl_attr_get_payload_len(attr) == sizeof(uint32_t))
				*(uint32_t *)mnl_attr_get_payload(attr) |= IFA_F_NODAD;
	} else if (kind == COPY_ROUTES) {
		route->rtm_flags = asked_flags(route->rtm_flags);
		mnl_attr_for_each(attr, message, sizeof(*route))
			if (mnl_attr_get_type(attr) == RTA_MULTIPATH)
				clear_hops(mnl_attr_get_payload(attr),
					   mnl_attr_get_payload_len(attr));
	} else if (kind == COPY_NEXTHOPS) {
		hop->nh_flags = asked_flags(hop->nh_flags);
		hop->nh_scope = 0;
		hop->resvd = 0;
	}
}

/* The kernel shows what a nexthop is with each route that has it, but takes only its number. */
static uint32_t left_out(enum copy_kind kind, const struct nlmsghdr *dumped)
{
	const uint32_t shown = 1u << RTA_OIF | 1u << RTA_GATEWAY | 1u << RTA_MULTIPATH |
			       1u << RTA_VIA | 1u << RTA_ENCAP | 1u << RTA_ENCAP_TYPE;
	const struct nlattr *attr;

	if (kind == COPY_ROUTES)
		mnl_attr_for_each(attr, dumped, sizeof(struct rtmsg))
			if (mnl_attr_get_type(attr) == RTA_NH_ID)
				return KINDS[kind].left_out | shown;
	return KINDS[kind].left_out;
}

/* A policy rule's priority is not shown if it is 0, but another one is given to who asks for none. */
static void put_priority(struct nlmsghdr *message)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, message, sizeof(struct fib_rule_hdr))
		if (mnl_attr_get_type(attr) == FRA_PRIORITY)
			return;
	mnl_attr_put_u32(message, FRA_PRIORITY, 0);
}

/* Those that every namespace begins with: the other one need not have them any more. */
static void delete_policies(struct nl *route)
{
	static const struct {
		uint8_t family, table;
		uint32_t priority;
	} DEFAULTS[] = {
		{ AF_INET, RT_TABLE_LOCAL, 0 },       { AF_INET, RT_TABLE_MAIN, 32766 },
		{ AF_INET, RT_TABLE_DEFAULT, 32767 }, { AF_INET6, RT_TABLE_LOCAL, 0 },
		{ AF_INET6, RT_TABLE_MAIN, 32766 },
	};

	for (size_t i = 0; i < sizeof(DEFAULTS) / sizeof(DEFAULTS[0]); i++) {
		struct nlmsghdr *message = nl_begin(route, RTM_DELRULE, NLM_F_ACK);
		struct fib_rule_hdr *rule =
			mnl_nlmsg_put_extra_header(message, sizeof(*rule));
		int err;

		rule->family = DEFAULTS[i].family;
		rule->table = DEFAULTS[i].table;
		rule->action = FR_ACT_TO_TBL;
		mnl_attr_put_u32(message, FRA_PRIORITY, DEFAULTS[i].priority);
		/* If it stays, it is the same as the other's, or comes after it. */
		err = nl_transact(route, NULL, NULL);
		(void)err;
	}
}

/* Asks for what a message of a dump shows. */
static int make_one(struct nl *route, enum copy_kind kind, const struct nlmsghdr *dumped)
{
	size_t head = KINDS[kind].header;
	struct nlmsghdr *message = nl_begin(route, dumped->nlmsg_type,
					    NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
	const struct nlattr *attr;
	uint32_t out;

	if (dumped->nlmsg_len > NL_REQUEST_MAX / 2)
		return -E2BIG;
	if (mnl_nlmsg_get_payload_len(dumped) < head)
		return -EBADMSG;
	memcpy(mnl_nlmsg_put_extra_header(message, head), mnl_nlmsg_get_payload(dumped),
	       head);
	out = left_out(kind, dumped);
	mnl_attr_for_each(attr, dumped, head) {
		uint16_t type = mnl_attr_get_type(attr);

		if (type >= 32 || !(out & 1u << type))
			mnl_attr_put(message, attr->nla_type,
				     mnl_attr_get_payload_len(attr),
				     mnl_attr_get_payload(attr));
	}
	clear_states(kind, message);
	if (kind == COPY_POLICIES)
		put_priority(message);
	return nl_transact(route, NULL, NULL);
}

/* Those that the kernel makes by itself with each address or interface. */
static bool makes_itself(enum copy_kind kind, const struct nlmsghdr *dumped)
{
	const struct rtmsg *route = mnl_nlmsg_get_payload(dumped);

	if (kind != COPY_ROUTES || mnl_nlmsg_get_payload_len(dumped) < sizeof(*route))
		return false;
	return route->rtm_flags & RTM_F_CLONED || route->rtm_type == RTN_BROADCAST ||
	       route->rtm_type == RTN_MULTICAST || route->rtm_type == RTN_ANYCAST;
}

/* Those by way of a gateway need others first: what fails is tried again as long as that helps. */
static void make_all(struct nl *route, const struct copy *copy, enum copy_kind kind,
		     struct copy_missing *missing)
{
	size_t failed = SIZE_MAX, before;
	int last = 0;

	do {
		const struct nlmsghdr *message;
		size_t at = 0;

		before = failed;
		failed = 0;
		while ((message = copy_next(copy, kind, &at))) {
			int err = makes_itself(kind, message)
					  ? 0
					  : make_one(route, kind, message);

			if (err && err != -EEXIST) {
				failed++;
				last = err;
			}
		}
	} while (failed && failed < before);
	if (failed)
		copy_miss(missing, "%s (%zu): %s", KINDS[kind].name, failed,
			  strerror(-last));
}

int replica_make(const struct copy *copy, const struct watch *watch,
		 struct copy_missing *missing)
{
	struct nl *route = NULL;
	int err = nl_open(&route, NETLINK_ROUTE);

	if (err)
		return err;
	if (copy_links_left_out(copy))
		copy_miss(missing, "%zu interfaces: there are too many",
			  copy_links_left_out(copy));
	make_all(route, copy, COPY_ADDRESSES, missing);
	make_all(route, copy, COPY_NEXTHOPS, missing);
	make_all(route, copy, COPY_ROUTES, missing);
	delete_policies(route);
	make_all(route, copy, COPY_POLICIES, missing);
	nl_close(route);
	return batch_make(copy, watch, missing);
}
