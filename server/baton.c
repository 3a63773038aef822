// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/baton.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

int baton_open(struct baton *out)
{
	int fd = memfd_create("ctserve-baton", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	*out = (struct baton){ .fd = fd };
	return 0;
}

/* Who has a lock on so many bytes from first on (0 would mean all that follow). */
static pid_t holder(const struct baton *baton, unsigned first, unsigned count)
{
	struct flock lock = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = first,
		.l_len = count,
	};

	/* A lock of this process itself F_GETLK does not show. */
	if (count == 0 || fcntl(baton->fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
		return 0;
	return lock.l_pid;
}

pid_t baton_holder(const struct baton *baton)
{
	return holder(baton, baton->turn, 1);
}

pid_t baton_holder_before(const struct baton *baton)
{
	return holder(baton, 0, baton->turn);
}

static int set(const struct baton *baton, short type)
{
	struct flock lock = {
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = baton->turn,
		.l_len = 1,
	};

	if (fcntl(baton->fd, F_SETLK, &lock) == 0)
		return 0;
	/* POSIX leaves the choice between the two. */
	return errno == EACCES ? -EAGAIN : -errno;
}

int baton_take(const struct baton *baton)
{
	if (baton_holder_before(baton))
		return -EAGAIN;
	return set(baton, F_WRLCK);
}

void baton_give(const struct baton *baton)
{
	set(baton, F_UNLCK);
}
