/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_TABLES_H
#define RULES_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nl;
struct nlmsghdr;

/* Of hosts that have more, the first. */
enum { TABLES_MAX = 128 };

/*
 * The nft tables of this network namespace, all families, but ours: by their handles, which the
 * kernel never gives twice, so a table that was deleted and made anew is another. A value.
 */
struct tables {
	size_t count;
	uint64_t handles[TABLES_MAX]; /* in the order in which they were made */
};

/* Reads them. Returns 0 or -errno (-EPERM: no CAP_NET_ADMIN), *out then unchanged. */
int tables_read(struct nl *nl, struct tables *out);

/* Whether none came, and none went. */
bool tables_same(const struct tables *a, const struct tables *b);

/* Adds the table of one message of the kernel; a callback for lib/nl, to be tested with bytes. */
int tables_message(const struct nlmsghdr *header, void *tables);

#endif
