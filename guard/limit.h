/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_LIMIT_H
#define GUARD_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The limit of the table as a sysctl. It is one for all network namespaces; this file is there only
 * in the initial one, where CAP_NET_ADMIN is enough to write it
 * (net/sysctl_net.c, net_ctl_permissions).
 */
#define LIMIT_PATH "/proc/sys/net/nf_conntrack_max"

/* Whether path is there and may be written. */
bool limit_settable(const char *path);

/* Sets it. Returns 0 or -errno. */
int limit_set(const char *path, uint32_t entries);

/*
 * Sets it back to before, if it still is what it was raised to: whoever changed it since has the
 * last word. Returns 0, -ESTALE if somebody has, or another -errno.
 */
int limit_put_back(const char *path, uint32_t raised, uint32_t before);

/* What the guard made of it. A plain value. */
struct limit_change {
	uint32_t raised; /* to this; 0: it was not */
	uint32_t before; /* and what it was */
};

/*
 * Keeps that in a file for the guard that comes next: whole or not at all, and for this boot alone, as
 * the limit is; not raised, there is no file. Returns 0 or -errno.
 */
int limit_keep(const char *path, const struct limit_change *change);

/*
 * What an earlier guard has kept there. Returns 0; -ENOENT, -ESTALE (of an earlier boot), -EBADMSG (not
 * such a file), or another -errno.
 */
int limit_recall(const char *path, struct limit_change *out);

/* Reads the limit. Returns 0, -EBADMSG or another -errno. */
int limit_get(const char *path, uint32_t *out);

#endif
