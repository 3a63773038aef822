/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIB_PRIVILEGE_H
#define LIB_PRIVILEGE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct args_why;

/*
 * Gives up every capability of this process but CAP_NET_ADMIN, for good: netlink checks
 * the sender's capability at each message, so that one must stay while rules may
 * change. everywhere: keeps also what it takes to find other network namespaces and to enter them,
 * as far as it is there: CAP_SYS_ADMIN, CAP_SYS_PTRACE, and CAP_DAC_READ_SEARCH for what root
 * alone may read there. Does nothing to a process that has no CAP_NET_ADMIN. Returns 0 or -errno.
 */
int privilege_keep_net_admin(bool everywhere);

/*
 * Which of those that "everywhere" takes this process lacks: their names, or "". 60 bytes are
 * enough for all.
 */
void privilege_lacking(char *names, size_t size);

/* A user to become. A plain value. */
struct privilege_user {
	const char *name;
	uid_t uid;
	gid_t gid;
};

/*
 * Looks up a user by name, which must outlive *out. Returns 0, or with one sentence in
 * *why -ENOENT if there is none or it is root, -EPERM if this process cannot become it.
 */
int privilege_find_user(const char *name, struct privilege_user *out,
			struct args_why *why);

/*
 * Becomes that user, with its groups, and keeps what privilege_keep_net_admin() does, for good. Returns 0, or
 * -errno: then the process must end, as it may be half of each.
 */
int privilege_become_net_admin(const struct privilege_user *user, bool everywhere);

/*
 * Becomes that user, with its groups and without any capability, for good. Returns 0, or
 * -errno: then the process must end, as it may be half of each.
 */
int privilege_become_user(const struct privilege_user *user);

#endif
