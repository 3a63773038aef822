// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/replica.h"

#include <netinet/in.h>

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/nl.h"
#include "rules/copy.h"
#include "rules/remake.h"

/* Attributes that are no part of what is asked for: times of caches, states. */
static bool is_left_out(enum copy_kind kind, uint16_t type)
{
	switch (kind) {
	case COPY_ADDRESSES: return type == IFA_CACHEINFO || type == IFA_FLAGS;
	case COPY_ROUTES: return type == RTA_CACHEINFO;
	default: return false;
	}
}

static size_t header_bytes(enum copy_kind kind)
{
	switch (kind) {
	case COPY_ADDRESSES: return sizeof(struct ifaddrmsg);
	case COPY_ROUTES: return sizeof(struct rtmsg);
	default: return sizeof(struct fib_rule_hdr);
	}
}

/* Asks for what a message of a dump shows. */
static int make_one(struct nl *route, enum copy_kind kind, const struct nlmsghdr *dumped)
{
	size_t head = header_bytes(kind);
	struct nlmsghdr *message = nl_begin(route, dumped->nlmsg_type,
					    NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
	const struct nlattr *attr;

	if (dumped->nlmsg_len > NL_REQUEST_MAX / 2)
		return -E2BIG;
	memcpy(mnl_nlmsg_put_extra_header(message, head), mnl_nlmsg_get_payload(dumped),
	       head);
	mnl_attr_for_each(attr, dumped, head)
		if (!is_left_out(kind, mnl_attr_get_type(attr)))
			mnl_attr_put(message, attr->nla_type,
				     mnl_attr_get_payload_len(attr),
				     mnl_attr_get_payload(attr));
	return nl_transact(route, NULL, NULL);
}

/* Those that the kernel makes by itself with each address or interface. */
static bool makes_itself(enum copy_kind kind, const struct nlmsghdr *dumped)
{
	const struct rtmsg *route = mnl_nlmsg_get_payload(dumped);

	if (kind != COPY_ROUTES)
		return false;
	return route->rtm_flags & RTM_F_CLONED || route->rtm_type == RTN_BROADCAST ||
	       route->rtm_type == RTN_MULTICAST || route->rtm_type == RTN_ANYCAST;
}

/* Those by way of a gateway need others first: what fails is tried again as long as that helps. */
static void make_all(struct nl *route, const struct copy *copy, enum copy_kind kind,
		     struct copy_missing *missing)
{
	static const char *const NAMES[] = { [COPY_ADDRESSES] = "address",
					     [COPY_ROUTES] = "route",
					     [COPY_POLICIES] = "policy rule" };
	size_t failed = SIZE_MAX, before;
	int last = 0;

	do {
		const struct nlmsghdr *message;
		size_t at = 0;

		before = failed;
		failed = 0;
		while ((message = copy_next(copy, (enum copy_kind)kind, &at))) {
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
		copy_miss(missing, "%zu %s%s: %s", failed, NAMES[kind],
			  failed == 1 ? "" : "s", strerror(-last));
}

static size_t put_batch_end(uint8_t *to, uint16_t type, uint32_t sequence)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(to);
	struct nfgenmsg *nfgen = mnl_nlmsg_put_extra_header(header, sizeof(*nfgen));

	header->nlmsg_type = type;
	header->nlmsg_flags = NLM_F_REQUEST;
	header->nlmsg_seq = sequence;
	nfgen->nfgen_family = AF_UNSPEC;
	nfgen->res_id = htons(NFNL_SUBSYS_NFTABLES);
	return header->nlmsg_len;
}

/* The whole ruleset as one batch. Returns how many bytes; 0: there is nothing to make. */
static size_t build_batch(const struct copy *copy, struct nl *nl, uint8_t *to,
			  size_t bytes, uint32_t *last)
{
	size_t count = put_batch_end(to, NFNL_MSG_BATCH_BEGIN, nl_sequence(nl));
	struct nlmsghdr *newest = NULL;

	for (int kind = COPY_TABLES; kind <= COPY_RULES; kind++) {
		const struct nlmsghdr *message;
		size_t at = 0;

		while ((message = copy_next(copy, (enum copy_kind)kind, &at))) {
			size_t size = remake_message(message, nl_sequence(nl), to + count,
						     bytes - count);

			if (!size)
				continue;
			newest = (void *)(to + count);
			count += NLMSG_ALIGN(size);
		}
	}
	if (!newest)
		return 0;
	newest->nlmsg_flags |= NLM_F_ACK;
	*last = newest->nlmsg_seq;
	return count + put_batch_end(to + count, NFNL_MSG_BATCH_END, nl_sequence(nl));
}

static int make_rules(const struct copy *copy)
{
	struct nl *nl = NULL;
	size_t bytes = 4096, count;
	uint32_t last = 0;
	uint8_t *batch;
	int err;

	/* What is added to a message is less than it has, and a little. */
	for (int kind = COPY_TABLES; kind <= COPY_RULES; kind++)
		bytes += 8 * copy_bytes(copy, (enum copy_kind)kind);
	batch = malloc(bytes);
	err = batch ? nl_open(&nl, NETLINK_NETFILTER) : -ENOMEM;
	if (!err) {
		count = build_batch(copy, nl, batch, bytes, &last);
		err = count ? nl_batch(nl, batch, count, last, NULL) : 0;
	}
	nl_close(nl);
	free(batch);
	return err;
}

int replica_make(const struct copy *copy, struct copy_missing *missing)
{
	struct nl *route = NULL;
	int err = nl_open(&route, NETLINK_ROUTE);

	if (err)
		return err;
	if (copy_links_left_out(copy))
		copy_miss(missing, "%zu interfaces: there are too many",
			  copy_links_left_out(copy));
	make_all(route, copy, COPY_ADDRESSES, missing);
	make_all(route, copy, COPY_ROUTES, missing);
	make_all(route, copy, COPY_POLICIES, missing);
	nl_close(route);
	return make_rules(copy);
}
