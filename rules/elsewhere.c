// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/elsewhere.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include "lib/nl.h"

enum { ATTEMPTS = 5, TABLES_MAX = 64 };

/* Tables that rules name, but for those that each host has. */
struct tables {
	uint32_t id[TABLES_MAX];
	size_t count;
	bool overflown;
};

static void add(struct tables *tables, uint32_t id)
{
	if (id == RT_TABLE_UNSPEC || (id >= RT_TABLE_DEFAULT && id <= RT_TABLE_LOCAL))
		return;
	for (size_t i = 0; i < tables->count; i++)
		if (tables->id[i] == id)
			return;
	if (tables->count == TABLES_MAX)
		tables->overflown = true;
	else
		tables->id[tables->count++] = id;
}

static int rule_cb(const struct nlmsghdr *message, void *data)
{
	const struct fib_rule_hdr *rule = mnl_nlmsg_get_payload(message);
	const struct nlattr *attr;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*rule))
		return MNL_CB_OK;
	if (rule->table != RT_TABLE_COMPAT)
		add(data, rule->table);
	mnl_attr_for_each(attr, message, sizeof(*rule))
		if (mnl_attr_get_type(attr) == FRA_TABLE &&
		    mnl_attr_get_payload_len(attr) == sizeof(uint32_t))
			add(data, mnl_attr_get_u32(attr));
	return MNL_CB_OK;
}

/* Kernels before 4.20 send all of all tables. */
struct reading {
	uint32_t table;
	bool found;
};

static int route_cb(const struct nlmsghdr *message, void *data)
{
	struct reading *reading = data;
	const struct rtmsg *route = mnl_nlmsg_get_payload(message);
	const struct nlattr *attr;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*route) ||
	    route->rtm_type != RTN_LOCAL)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, message, sizeof(*route))
		if (mnl_attr_get_type(attr) == RTA_TABLE &&
		    mnl_attr_get_payload_len(attr) == sizeof(uint32_t) &&
		    mnl_attr_get_u32(attr) == reading->table)
			reading->found = true;
	return MNL_CB_OK;
}

/* One dump. A table or family that there is not is as if it were empty. */
static int dump(struct nl *route, uint16_t type, uint8_t family, uint32_t table,
		mnl_cb_t cb, void *data)
{
	int err = -EINTR;

	for (int i = 0; err == -EINTR && i < ATTEMPTS; i++) {
		struct nlmsghdr *message = nl_begin(route, type, NLM_F_DUMP);
		/* The header of rules begins alike, and is as long. */
		struct rtmsg *request =
			mnl_nlmsg_put_extra_header(message, sizeof(*request));

		request->rtm_family = family;
		if (table) {
			request->rtm_type = RTN_LOCAL;
			mnl_attr_put_u32(message, RTA_TABLE, table);
		}
		err = nl_transact(route, cb, data);
	}
	return err == -ENOENT || err == -EAFNOSUPPORT || err == -EOPNOTSUPP ? 0 : err;
}

static int read_family(struct nl *route, uint8_t family, bool *found)
{
	struct tables tables = { .count = 0 };
	int err = dump(route, RTM_GETRULE, family, 0, rule_cb, &tables);

	for (size_t i = 0; i < tables.count && !err && !*found; i++) {
		struct reading reading = { .table = tables.id[i] };

		err = dump(route, RTM_GETROUTE, family, reading.table, route_cb,
			   &reading);
		*found |= reading.found;
	}
	*found |= tables.overflown;
	return err;
}

int elsewhere_read(struct nl *route, bool *found)
{
	int err = read_family(route, AF_INET, found);

	return err ? err : read_family(route, AF_INET6, found);
}
