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

#endif
