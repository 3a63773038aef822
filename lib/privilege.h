/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIB_PRIVILEGE_H
#define LIB_PRIVILEGE_H

#include <sys/types.h>

struct args_why;

/*
 * Gives up every capability of this process but CAP_NET_ADMIN, for good: netlink checks
 * the sender's capability at each message, so that one must stay while rules may
 * change. Does nothing to a process that has none. Returns 0 or -errno.
 */
int privilege_keep_net_admin(void);

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
 * Becomes that user, with its groups, and keeps CAP_NET_ADMIN alone, for good. Returns 0, or
 * -errno: then the process must end, as it may be half of each.
 */
int privilege_become_net_admin(const struct privilege_user *user);

/*
 * Becomes that user, with its groups and without any capability, for good. Returns 0, or
 * -errno: then the process must end, as it may be half of each.
 */
int privilege_become_user(const struct privilege_user *user);

#endif
