// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>
#include <linux/nsfs.h>

/* A name may be left on disk without the namespace, and /proc/PID/ns has other kinds too. */
static int check(int fd, uint64_t *inode)
{
	struct statfs filesystem;
	struct stat file;

	if (fstatfs(fd, &filesystem) < 0 || fstat(fd, &file) < 0)
		return -errno;
	if (filesystem.f_type != NSFS_MAGIC || ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET)
		return -EINVAL;
	*inode = file.st_ino;
	return 0;
}

int netns_open(const char *path, struct netns *out)
{
	/* What is opened may be a FIFO or a device: neither waits nor acts. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	uint64_t inode;
	int err;

	if (fd < 0)
		return -errno;
	err = check(fd, &inode);
	if (err) {
		close(fd);
		return err;
	}
	*out = (struct netns){ .fd = fd, .inode = inode };
	return 0;
}

void netns_close(struct netns *netns)
{
	close(netns->fd);
}

int netns_enter(const struct netns *netns)
{
	return setns(netns->fd, CLONE_NEWNET) < 0 ? -errno : 0;
}
