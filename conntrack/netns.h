/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_NETNS_H
#define CONNTRACK_NETNS_H

#include <stdint.h>

/* Where ip-netns(8) keeps its names. */
#define NETNS_NAMES "/run/netns"

/* That of the calling process. */
#define NETNS_SELF "/proc/self/ns/net"

enum { NETNS_PATH_MAX = 4096 };

/* An open network namespace: while it is open, it stays. */
struct netns {
	int fd;
	uint64_t inode; /* its number, as in "net:[4026531840]" */
};

/*
 * Opens the file of a network namespace. Needs no privilege but to reach the file. Returns 0
 * or -errno: -ENOENT, -EACCES, or -EINVAL if it is a file of another kind.
 */
int netns_open(const char *path, struct netns *out);

void netns_close(struct netns *netns);

/* Moves the calling thread there. Returns 0 or -errno: -EPERM without CAP_SYS_ADMIN. */
int netns_enter(const struct netns *netns);

#endif
