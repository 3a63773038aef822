// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/lock.h"

#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/*
 * An abstract Unix socket address belongs to a network namespace and goes with its
 * process: just what "one guard a namespace" needs.
 */
int lock_take(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX,
				       .sun_path = "\0ctkit/ctguard" };
	socklen_t length =
		offsetof(struct sockaddr_un, sun_path) + sizeof("\0ctkit/ctguard") - 1;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&address, length) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}
