/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_SNAPSHOT_H
#define RULES_SNAPSHOT_H

#include <stdint.h>

struct model;
struct nl;

/*
 * Reads the whole ruleset: all families, tables, chains, rules, sets, maps and their elements,
 * stateful objects and flowtables. Starts over, a bounded number of times, if its generation changed
 * meanwhile. *out is zero-initialised, and model_clear()ed by the caller. Returns 0, -EAGAIN
 * if it kept changing, -ETIME if the thread's clock_spent_ns() went past until_ns (0: no matter), -E2BIG if it is larger than a model may be, -EBADMSG if it has what
 * cannot be read, -EPROTONOSUPPORT if the kernel has no nf_tables, -EPERM without CAP_NET_ADMIN,
 * or another -errno. After an error *out is empty.
 */
int snapshot_read(struct nl *nl, uint64_t until_ns, struct model *out);

#endif
