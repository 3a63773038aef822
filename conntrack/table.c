// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/table.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "lib/nl.h"

static const char COUNT_PATH[] = "/proc/sys/net/netfilter/nf_conntrack_count";
static const char LIMIT_PATH[] = "/proc/sys/net/netfilter/nf_conntrack_max";
static const char BUCKETS_PATH[] = "/proc/sys/net/netfilter/nf_conntrack_buckets";

/* Where the answer's numbers go; an attribute of another size is not one of ours. */
struct field {
	uint16_t type;
	size_t offset;
};

static const struct field USAGE_FIELDS[] = {
	{ CTA_STATS_GLOBAL_ENTRIES, offsetof(struct table_usage, entries) },
	{ CTA_STATS_GLOBAL_MAX_ENTRIES, offsetof(struct table_usage, limit) },
};

static const struct field COUNTER_FIELDS[] = {
	{ CTA_STATS_FOUND, offsetof(struct table_counters, found) },
	{ CTA_STATS_INVALID, offsetof(struct table_counters, invalid) },
	{ CTA_STATS_INSERT, offsetof(struct table_counters, insert) },
	{ CTA_STATS_INSERT_FAILED, offsetof(struct table_counters, insert_failed) },
	{ CTA_STATS_DROP, offsetof(struct table_counters, drop) },
	{ CTA_STATS_EARLY_DROP, offsetof(struct table_counters, early_drop) },
	{ CTA_STATS_ERROR, offsetof(struct table_counters, error) },
	{ CTA_STATS_SEARCH_RESTART, offsetof(struct table_counters, search_restart) },
	{ CTA_STATS_CLASH_RESOLVE, offsetof(struct table_counters, clash_resolve) },
	{ CTA_STATS_CHAIN_TOOLONG, offsetof(struct table_counters, chain_toolong) },
};

const struct table_counter TABLE_COUNTER[TABLE_COUNTERS] = {
	{ "drop",
	  "packets lost: the table was full and nothing near could be evicted for them",
	  offsetof(struct table_counters, drop) },
	{ "early_drop",
	  "the table was full: unassured entries, of any service, were evicted for new "
	  "ones",
	  offsetof(struct table_counters, early_drop) },
	{ "insert_failed",
	  "packets lost: an entry of the same addresses and ports came first, "
	  "or too many share a bucket",
	  offsetof(struct table_counters, insert_failed) },
	{ "chain_toolong", "packets lost: too many entries share one bucket of the hash",
	  offsetof(struct table_counters, chain_toolong) },
	{ "invalid",
	  "packets that fit no entry and may begin none: untracked, and dropped by "
	  "many firewalls",
	  offsetof(struct table_counters, invalid) },
	{ "error", "ICMP errors about packets that no entry is known of",
	  offsetof(struct table_counters, error) },
	{ "clash_resolve",
	  "first packets of one flow met on two CPUs and share an entry: harmless",
	  offsetof(struct table_counters, clash_resolve) },
	{ "search_restart",
	  "look-ups that began anew as entries moved beneath them: harmless",
	  offsetof(struct table_counters, search_restart) },
	{ "found", "translations that met a port already taken and tried another",
	  offsetof(struct table_counters, found) },
	{ "insert", "entries made through netlink, not by packets",
	  offsetof(struct table_counters, insert) },
};

double table_fill(const struct table_usage *usage)
{
	return usage->limit ? (double)usage->entries / usage->limit : 0;
}

static uint32_t *field_of(void *numbers, const struct field *field)
{
	return (uint32_t *)((char *)numbers + field->offset);
}

/* Adds each known attribute of one message to its number. Returns how many it knew. */
static size_t add_fields(const struct nlmsghdr *message, const struct field *fields,
			 size_t count, void *numbers)
{
	const struct nlattr *attr;
	size_t known = 0;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(struct nfgenmsg))
		return 0;
	mnl_attr_for_each(attr, message, sizeof(struct nfgenmsg)) {
		/* What newer kernels add may be of any size. */
		if (mnl_attr_validate(attr, MNL_TYPE_U32) < 0)
			continue;
		for (size_t i = 0; i < count; i++) {
			if (mnl_attr_get_type(attr) != fields[i].type)
				continue;
			*field_of(numbers, &fields[i]) += ntohl(mnl_attr_get_u32(attr));
			known++;
		}
	}
	return known;
}

/* What came of a request: the numbers and how many attributes they were added up from. */
struct usage_answer {
	struct table_usage usage;
	size_t known;
};

static int usage_cb(const struct nlmsghdr *message, void *data)
{
	struct usage_answer *answer = data;

	answer->known += add_fields(message, USAGE_FIELDS, MNL_ARRAY_SIZE(USAGE_FIELDS),
				    &answer->usage);
	return MNL_CB_OK;
}

int table_usage_get(struct nl *nl, struct table_usage *out)
{
	struct usage_answer answer = { 0 };
	int err;

	/* No dump: the answer says that more follow (NLM_F_MULTI), but the acknowledgment is what does. */
	nl_begin_nfnl(nl, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET_STATS, NLM_F_ACK,
		      AF_UNSPEC);
	err = nl_transact(nl, usage_cb, &answer);
	if (err)
		return err;
	/* Kernels before 4.18 do not tell the limit: then /proc is read. */
	if (answer.known != MNL_ARRAY_SIZE(USAGE_FIELDS))
		return -EBADMSG;
	*out = answer.usage;
	return 0;
}

static int read_number(const char *path, uint32_t *out)
{
	FILE *file = fopen(path, "re");
	unsigned int number;
	int fields;

	if (!file)
		return -errno;
	fields = fscanf(file, "%u", &number);
	fclose(file);
	if (fields != 1)
		return -EBADMSG;
	*out = number;
	return 0;
}

int table_usage_read(struct table_usage *out)
{
	struct table_usage usage;
	int err;

	err = read_number(COUNT_PATH, &usage.entries);
	if (!err)
		err = read_number(LIMIT_PATH, &usage.limit);
	if (!err)
		*out = usage;
	return err;
}

static int open_number(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int table_limit_open(void)
{
	return open_number(LIMIT_PATH);
}

int table_count_open(void)
{
	return open_number(COUNT_PATH);
}

int table_count_read(int fd, uint32_t *out)
{
	char text[sizeof("4294967295\n")], *end;
	/* At offset 0: such a file is made anew at each reading from its begin. */
	ssize_t bytes = pread(fd, text, sizeof(text) - 1, 0);
	unsigned long number;

	if (bytes < 0)
		return -errno;
	text[bytes] = '\0';
	/* Not sscanf(): it takes as long as the kernel, and this is read many times a second. */
	number = strtoul(text, &end, 10);
	if (end == text || number > UINT32_MAX)
		return -EBADMSG;
	*out = (uint32_t)number;
	return 0;
}

int table_files_open(struct table_files *out)
{
	struct table_files files = {
		.count_fd = open_number(COUNT_PATH),
		.limit_fd = open_number(LIMIT_PATH),
	};
	int err = files.count_fd < 0 ? files.count_fd
				     : (files.limit_fd < 0 ? files.limit_fd : 0);

	if (err)
		table_files_close(&files);
	/*
	 * Also if it failed: closed files, which may be closed again and say -EBADF when they are
	 * read.
	 */
	*out = files;
	return err;
}

void table_files_close(struct table_files *files)
{
	if (files->count_fd >= 0)
		close(files->count_fd);
	if (files->limit_fd >= 0)
		close(files->limit_fd);
	*files = (struct table_files){ -1, -1 };
}

int table_files_read(const struct table_files *files, struct table_usage *out)
{
	struct table_usage usage;
	int err = table_count_read(files->count_fd, &usage.entries);

	if (!err)
		err = table_count_read(files->limit_fd, &usage.limit);
	if (!err)
		*out = usage;
	return err;
}

int table_buckets_read(uint32_t *out)
{
	return read_number(BUCKETS_PATH, out);
}

static int counters_cb(const struct nlmsghdr *message, void *data)
{
	add_fields(message, COUNTER_FIELDS, MNL_ARRAY_SIZE(COUNTER_FIELDS), data);
	return MNL_CB_OK;
}

int table_counters_get(struct nl *nl, struct table_counters *out)
{
	struct table_counters counters = { 0 };
	int err;

	/* A message for each CPU, which the callback adds up. */
	nl_begin_nfnl(nl, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET_STATS_CPU,
		      NLM_F_DUMP, AF_UNSPEC);
	/* What an older kernel does not count it does not send: that stays 0. */
	err = nl_transact(nl, counters_cb, &counters);
	if (err)
		return err;
	*out = counters;
	return 0;
}

struct table_counters table_counters_delta(const struct table_counters *from,
					   const struct table_counters *to)
{
	struct table_counters delta = *to;
	struct table_counters before = *from;

	/* A sum of wrapping numbers wraps the same way: subtraction modulo 2^32 is exact. */
	for (size_t i = 0; i < MNL_ARRAY_SIZE(COUNTER_FIELDS); i++)
		*field_of(&delta, &COUNTER_FIELDS[i]) -=
			*field_of(&before, &COUNTER_FIELDS[i]);
	return delta;
}

uint32_t table_counter_value(const struct table_counters *counters,
			     const struct table_counter *counter)
{
	return *(const uint32_t *)((const char *)counters + counter->offset);
}

void table_counters_advance(struct table_counters *counters,
			    const struct table_counters *now,
			    uint64_t totals[TABLE_COUNTERS])
{
	struct table_counters gained = table_counters_delta(counters, now);

	for (size_t i = 0; i < TABLE_COUNTERS; i++)
		totals[i] += table_counter_value(&gained, &TABLE_COUNTER[i]);
	*counters = *now;
}
