// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/policies.h"

/* Before the kernel's headers, which else define the same. */
#include <netinet/in.h>

#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* A table with nothing but policies has about a kilobyte; more has rules. */
enum { ENTRIES_MAX = 4096 };

/* How the kernel verdicts that end a chain are written (ip_tables.c, translate_table()). */
enum { ACCEPTS = -NF_ACCEPT - 1 };

_Static_assert(sizeof(struct ipt_getinfo) == sizeof(struct ip6t_getinfo) &&
		       offsetof(struct ipt_getinfo, size) ==
			       offsetof(struct ip6t_getinfo, size) &&
		       offsetof(struct ipt_get_entries, entrytable) ==
			       offsetof(struct ip6t_get_entries, entrytable) &&
		       IPT_SO_GET_INFO == IP6T_SO_GET_INFO &&
		       IPT_SO_GET_ENTRIES == IP6T_SO_GET_ENTRIES,
	       "both families ask alike");

/* Where in an entry is what. What it matches by addresses and the like comes first. */
struct form {
	size_t bytes;
	size_t match_bytes;
	size_t target_at;
};

static const struct form FORM4 = { sizeof(struct ipt_entry), sizeof(struct ipt_ip),
				   offsetof(struct ipt_entry, target_offset) };
static const struct form FORM6 = { sizeof(struct ip6t_entry), sizeof(struct ip6t_ip6),
				   offsetof(struct ip6t_entry, target_offset) };

static bool is_zero(const uint8_t *data, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if (data[i])
			return false;
	return true;
}

/* Whether the entry at that place matches every packet and accepts it. */
static bool accepts(const struct form *form, const uint8_t *entries, size_t bytes,
		    size_t at)
{
	struct xt_standard_target target;
	uint16_t target_at;

	if (at > bytes || bytes - at < form->bytes + sizeof(target))
		return false;
	memcpy(&target_at, entries + at + form->target_at, sizeof(target_at));
	/* Matches would come before the target. */
	if (target_at != form->bytes || !is_zero(entries + at, form->match_bytes))
		return false;
	memcpy(&target, entries + at + form->bytes, sizeof(target));
	return is_zero((const uint8_t *)target.target.u.user.name,
		       sizeof(target.target.u.user.name)) &&
	       target.verdict == ACCEPTS;
}

bool policies_judge(uint8_t family, const void *info, size_t info_bytes,
		    const void *entries, size_t bytes)
{
	const struct form *form = family == AF_INET ? &FORM4 : &FORM6;
	struct ipt_getinfo table;

	if (info_bytes != sizeof(table))
		return false;
	memcpy(&table, info, sizeof(table));
	if (bytes != table.size || !table.valid_hooks ||
	    table.valid_hooks >> NF_INET_NUMHOOKS)
		return false;
	for (unsigned i = 0; i < NF_INET_NUMHOOKS; i++)
		if (table.valid_hooks & 1U << i &&
		    !accepts(form, entries, bytes, table.hook_entry[i]))
			return false;
	return true;
}

bool policies_accept(int socket, uint8_t family, const char *name)
{
	int level = family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
	struct ipt_getinfo info = { .valid_hooks = 0 };
	socklen_t info_bytes = sizeof(info), bytes;
	union {
		struct {
			char name[XT_TABLE_MAXNAMELEN];
			unsigned size;
		} head;
		struct ipt_get_entries aligned;
		uint8_t room[sizeof(struct ipt_get_entries) + ENTRIES_MAX];
	} table = { .head = { .size = 0 } };
	const uint8_t *entries =
		table.room + offsetof(struct ipt_get_entries, entrytable);

	snprintf(info.name, sizeof(info.name), "%s", name);
	if (getsockopt(socket, level, IPT_SO_GET_INFO, &info, &info_bytes) < 0 ||
	    info.size > ENTRIES_MAX)
		return false;
	memcpy(table.head.name, info.name, sizeof(table.head.name));
	table.head.size = info.size;
	bytes = (socklen_t)(entries - table.room) + info.size;
	/* If it has changed meanwhile the sizes differ, and the kernel says so. */
	return getsockopt(socket, level, IPT_SO_GET_ENTRIES, &table, &bytes) == 0 &&
	       policies_judge(family, &info, info_bytes, entries, info.size);
}
