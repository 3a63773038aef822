// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/copy.h"

#include <netinet/in.h>

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/nl.h"
#include "rules/attrs.h"
#include "rules/ruleset.h"
#include "rules/settings.h"

enum { READ_TRIES = 20, LOOPBACK_INDEX = 1 };

/* More than rulesets that work have. */
enum { PILE_BYTES_MAX = 64 << 20 };

/* Messages one behind the other. Zero-initialise. */
struct pile {
	uint8_t *bytes;
	size_t count, capacity;
};

struct copy {
	struct pile pile[COPY_KINDS];
	uint32_t generation;
	size_t links;
	struct copy_link link[COPY_LINKS_MAX];
	size_t links_left_out;
	struct settings settings;
};

void copy_miss(struct copy_missing *missing, const char *format, ...)
{
	va_list args;

	if (missing->count++ >= COPY_MISSING_MAX)
		return;
	va_start(args, format);
	vsnprintf(missing->text[missing->count - 1], COPY_TEXT_MAX, format, args);
	va_end(args);
}

static uint8_t *reserve(struct pile *pile, size_t bytes)
{
	size_t capacity = pile->capacity ? pile->capacity : 4096;
	uint8_t *more;

	while (capacity < pile->count + bytes)
		capacity *= 2;
	if (capacity > PILE_BYTES_MAX) {
		/* What libmnl says of a callback that fails is its errno. */
		errno = E2BIG;
		return NULL;
	}
	more = realloc(pile->bytes, capacity);
	if (!more)
		return NULL;
	pile->bytes = more;
	pile->capacity = capacity;
	return pile->bytes + pile->count;
}

static int keep_cb(const struct nlmsghdr *message, void *data)
{
	struct pile *pile = data;
	uint8_t *to = reserve(pile, NLMSG_ALIGN(message->nlmsg_len));

	if (!to)
		return MNL_CB_ERROR;
	memcpy(to, message, message->nlmsg_len);
	pile->count += NLMSG_ALIGN(message->nlmsg_len);
	return MNL_CB_OK;
}

static bool is_vrf(const struct nlattr *info)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, info)
		if (mnl_attr_get_type(attr) == IFLA_INFO_KIND &&
		    strncmp(mnl_attr_get_payload(attr), "vrf",
			    mnl_attr_get_payload_len(attr)) == 0)
			return true;
	return false;
}

static void note_link(const struct nlmsghdr *message, struct copy_link *out)
{
	const struct ifinfomsg *link = mnl_nlmsg_get_payload(message);
	const struct nlattr *attr;

	*out = (struct copy_link){ .index = link->ifi_index,
				   .up = link->ifi_flags & IFF_UP };
	mnl_attr_for_each(attr, message, sizeof(*link)) {
		size_t bytes = mnl_attr_get_payload_len(attr);
		const void *data = mnl_attr_get_payload(attr);

		switch (mnl_attr_get_type(attr)) {
		case IFLA_IFNAME:
			snprintf(out->name, sizeof(out->name), "%.*s", (int)bytes,
				 (const char *)data);
			break;
		case IFLA_MTU:
			if (bytes == sizeof(out->mtu))
				memcpy(&out->mtu, data, bytes);
			break;
		case IFLA_ADDRESS:
			if (bytes == sizeof(out->mac))
				memcpy(out->mac, data, bytes);
			break;
		case IFLA_LINKINFO: out->routes_apart = is_vrf(attr); break;
		default: break;
		}
	}
}

static int link_cb(const struct nlmsghdr *message, void *data)
{
	struct copy *copy = data;
	struct copy_link link;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(struct ifinfomsg))
		return MNL_CB_OK;
	note_link(message, &link);
	if (link.index == LOOPBACK_INDEX || !link.name[0])
		return MNL_CB_OK;
	if (copy->links == COPY_LINKS_MAX)
		copy->links_left_out++;
	else
		copy->link[copy->links++] = link;
	return MNL_CB_OK;
}

static int dump_links(struct nl *route, struct copy *copy)
{
	/* Which is what a dump says that was overtaken by a change (NLM_F_DUMP_INTR). */
	int err = -EINTR;

	for (int tries = 0; err == -EINTR && tries < READ_TRIES; tries++) {
		struct nlmsghdr *message = nl_begin(route, RTM_GETLINK, NLM_F_DUMP);

		memset(mnl_nlmsg_put_extra_header(message, sizeof(struct ifinfomsg)), 0,
		       sizeof(struct ifinfomsg));
		copy->links = copy->links_left_out = 0;
		err = nl_transact(route, link_cb, copy);
	}
	return err;
}

/* What this kernel does not have is as if it were empty. */
static int dump_route(struct nl *route, uint16_t type, size_t header, struct pile *pile)
{
	int err = -EINTR;

	for (int tries = 0; err == -EINTR && tries < READ_TRIES; tries++) {
		struct nlmsghdr *message = nl_begin(route, type, NLM_F_DUMP);

		memset(mnl_nlmsg_put_extra_header(message, header), 0, header);
		pile->count = 0;
		err = nl_transact(route, keep_cb, pile);
	}
	return err == -EOPNOTSUPP ? 0 : err;
}

static int read_surroundings(struct copy *copy)
{
	static const struct {
		enum copy_kind kind;
		uint16_t type;
		size_t header;
	} DUMPS[] = { { COPY_ADDRESSES, RTM_GETADDR, sizeof(struct ifaddrmsg) },
		      { COPY_NEXTHOPS, RTM_GETNEXTHOP, sizeof(struct nhmsg) },
		      { COPY_ROUTES, RTM_GETROUTE, sizeof(struct rtmsg) },
		      { COPY_POLICIES, RTM_GETRULE, sizeof(struct fib_rule_hdr) } };
	struct nl *route = NULL;
	int err = nl_open(&route, NETLINK_ROUTE);

	if (!err)
		err = dump_links(route, copy);
	for (size_t i = 0; i < sizeof(DUMPS) / sizeof(DUMPS[0]) && !err; i++)
		err = dump_route(route, DUMPS[i].type, DUMPS[i].header,
				 &copy->pile[DUMPS[i].kind]);
	nl_close(route);
	return err;
}

static int dump_elements(struct nl *nl, struct copy *copy, const struct nlmsghdr *set)
{
	struct nlmsghdr *request;
	struct attrs attrs;
	const char *table, *name;

	if (!attrs_of_message(set, &attrs))
		return -EBADMSG;
	table = attrs_string(attrs.at[NFTA_SET_TABLE]);
	name = attrs_string(attrs.at[NFTA_SET_NAME]);
	if (!table || !name)
		return -EBADMSG;
	request = nl_begin_nfnl(nl, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETSETELEM,
				NLM_F_DUMP, attrs_family(set));
	mnl_attr_put_strz(request, NFTA_SET_ELEM_LIST_TABLE, table);
	mnl_attr_put_strz(request, NFTA_SET_ELEM_LIST_SET, name);
	return nl_transact(nl, keep_cb, &copy->pile[COPY_ELEMENTS]);
}

const struct nlmsghdr *copy_next(const struct copy *copy, enum copy_kind kind, size_t *at)
{
	const struct pile *pile = &copy->pile[kind];
	const struct nlmsghdr *message = (const void *)(pile->bytes + *at);

	if (*at >= pile->count)
		return NULL;
	*at += NLMSG_ALIGN(message->nlmsg_len);
	return message;
}

size_t copy_bytes(const struct copy *copy, enum copy_kind kind)
{
	return copy->pile[kind].count;
}

static int read_rules_once(struct nl *nl, struct copy *copy)
{
	static const struct {
		uint16_t message;
		enum copy_kind kind;
	} DUMPS[] = { { NFT_MSG_GETTABLE, COPY_TABLES },
		      { NFT_MSG_GETCHAIN, COPY_CHAINS },
		      { NFT_MSG_GETSET, COPY_SETS },
		      { NFT_MSG_GETOBJ, COPY_OBJECTS },
		      { NFT_MSG_GETFLOWTABLE, COPY_FLOWTABLES },
		      { NFT_MSG_GETRULE, COPY_RULES } };
	uint32_t after = 0;
	const struct nlmsghdr *set;
	size_t at = 0;
	int err = ruleset_generation(nl, &copy->generation);

	for (size_t i = 0; i < sizeof(DUMPS) / sizeof(DUMPS[0]) && !err; i++) {
		nl_begin_nfnl(nl,
			      (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | DUMPS[i].message),
			      NLM_F_DUMP, NFPROTO_UNSPEC);
		err = nl_transact(nl, keep_cb, &copy->pile[DUMPS[i].kind]);
	}
	while (!err && (set = copy_next(copy, COPY_SETS, &at)))
		err = dump_elements(nl, copy, set);
	if (!err)
		err = ruleset_generation(nl, &after);
	/* A set that is gone by now: it changed meanwhile. */
	return err == -ENOENT || (!err && after != copy->generation) ? -EINTR : err;
}

static int read_rules(struct copy *copy)
{
	struct nl *nl = NULL;
	int err = nl_open(&nl, NETLINK_NETFILTER);

	if (err)
		return err;
	err = -EINTR;
	for (int tries = 0; err == -EINTR && tries < READ_TRIES; tries++) {
		for (int kind = COPY_TABLES; kind <= COPY_RULES; kind++)
			/* Overwritten; the room stays. */
			copy->pile[kind].count = 0;
		err = read_rules_once(nl, copy);
	}
	nl_close(nl);
	return err == -EINTR ? -EAGAIN : err;
}

static int by_state(const void *a, const void *b)
{
	const struct copy_link *left = a, *right = b;

	if (left->up != right->up)
		return left->up ? -1 : 1;
	return left->index - right->index;
}

int copy_read(struct copy **out)
{
	struct copy *copy = calloc(1, sizeof(*copy));
	int err = copy ? read_surroundings(copy) : -ENOMEM;

	if (!err)
		err = read_rules(copy);
	if (!err)
		err = settings_read(copy->link, copy->links, &copy->settings);
	if (err) {
		copy_free(copy);
		return err;
	}
	qsort(copy->link, copy->links, sizeof(copy->link[0]), by_state);
	*out = copy;
	return 0;
}

void copy_free(struct copy *copy)
{
	if (!copy)
		return;
	for (int kind = 0; kind < COPY_KINDS; kind++)
		free(copy->pile[kind].bytes);
	settings_free(&copy->settings);
	free(copy);
}

uint32_t copy_generation(const struct copy *copy)
{
	return copy->generation;
}

size_t copy_links(const struct copy *copy, const struct copy_link **out)
{
	*out = copy->link;
	return copy->links;
}

size_t copy_links_left_out(const struct copy *copy)
{
	return copy->links_left_out;
}

const struct settings *copy_settings(const struct copy *copy)
{
	return &copy->settings;
}
