/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_TABLE_H
#define CONNTRACK_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct nl;

/*
 * How full the table of this network namespace is. entries counts expired entries
 * until garbage collection meets them; limit is the kernel's one global
 * nf_conntrack_max, which may change at any time: read it each time.
 */
struct table_usage {
	uint32_t entries;
	uint32_t limit;
};

/* Entries divided by the limit; 0 if there is none. */
double table_fill(const struct table_usage *usage);

/* One IPCTNL_MSG_CT_GET_STATS, about 3 us. Returns 0 or -errno (-EPERM: no CAP_NET_ADMIN). */
int table_usage_get(struct nl *nl, struct table_usage *out);

/*
 * The same from /proc/sys/net/netfilter, readable without privilege. Returns 0 or
 * -errno (-ENOENT: this kernel has no conntrack).
 */
int table_usage_read(struct table_usage *out);

/*
 * The file of the number of entries, or of the limit, kept open: it stays that of the network namespace
 * in which it was opened, wherever it is read. Returns a descriptor or -errno.
 */
int table_count_open(void);
int table_limit_open(void);

/*
 * Reads either: 1 us, and no wait for who fills or dumps a table by netlink. Returns 0 or -errno (-EBADF
 * also if it was not to be opened).
 */
int table_count_read(int fd, uint32_t *out);

/*
 * That file and the one of the limit: all that table_usage_get() tells, without the lock that it would
 * wait for while somebody dumps a table. Closed ones have negative descriptors. To open them
 * returns 0 or -errno.
 */
struct table_files {
	int count_fd;
	int limit_fd;
};

int table_files_open(struct table_files *out);
void table_files_close(struct table_files *files);
int table_files_read(const struct table_files *files, struct table_usage *out);

/*
 * Buckets of the kernel's one hash table, from /proc/sys/net/netfilter, readable without privilege.
 * Returns 0 or -errno.
 */
int table_buckets_read(uint32_t *out);

/*
 * Counters of this namespace, summed over CPUs. Each CPU's is 32 bits and wraps:
 * compare readings with table_counters_delta().
 */
struct table_counters {
	uint32_t found;
	uint32_t invalid;
	uint32_t insert;
	uint32_t insert_failed;
	uint32_t drop; /* table full, nothing to evict: a packet was lost */
	uint32_t
		early_drop; /* table full, an unassured entry was evicted for a new one */
	uint32_t error;
	uint32_t search_restart;
	uint32_t clash_resolve;
	uint32_t chain_toolong;
};

int table_counters_get(struct nl *nl, struct table_counters *out);

/* What was counted from one reading to the next, whatever wrapped between. */
struct table_counters table_counters_delta(const struct table_counters *from,
					   const struct table_counters *to);

/*
 * The counters for people, those that cost flows first: a name, as everybody knows it, and a sentence
 * on what it means that it moves (net/netfilter/nf_conntrack_core.c).
 */
struct table_counter {
	const char *name;
	const char *meaning;
	size_t offset; /* of the number in struct table_counters */
};

enum { TABLE_COUNTERS = 10 };

extern const struct table_counter TABLE_COUNTER[TABLE_COUNTERS];

/* The number that the counter has in counters. */
uint32_t table_counter_value(const struct table_counters *counters,
			     const struct table_counter *counter);

/* *counters becomes *now, and what was counted meanwhile is added to totals, in TABLE_COUNTER's order. */
void table_counters_advance(struct table_counters *counters,
			    const struct table_counters *now,
			    uint64_t totals[TABLE_COUNTERS]);

#endif
