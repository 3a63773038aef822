/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_HEADCOUNT_H
#define GUARD_HEADCOUNT_H

#include "conntrack/table.h"

struct nl;

/*
 * Counts the table of one network namespace, many times a second: from /proc, without the lock that
 * a request would wait for while a table is dumped; where /proc hides it, by request.
 */
struct headcount {
	struct nl *nl; /* borrowed */
	struct table_files files;
};

/* nl must outlive it. Returns 0 or -errno: the kernel does not answer us. */
int headcount_open(struct headcount *out, struct nl *nl);

/* One that is zero, or was not opened, is allowed. */
void headcount_close(struct headcount *headcount);

/* Only the entries, from /proc. Returns 0 or -errno (-EBADF: /proc hides them). */
int headcount_count(const struct headcount *headcount, uint32_t *out);

int headcount_read(const struct headcount *headcount, struct table_usage *out);

#endif
