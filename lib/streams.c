// SPDX-License-Identifier: GPL-2.0-or-later
#include "lib/streams.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/options.h"

int streams_open(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		/* The wrong way round: that somebody closed it is not to be hidden. */
		int flags = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;

		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		/* The lowest free number is this one. */
		if (open("/dev/null", flags) < 0)
			return -errno;
	}
	return 0;
}

int streams_flush(void)
{
	if (fflush(stdout) == EOF)
		return errno ? -errno : -EIO;
	return ferror(stdout) ? -EIO : 0;
}

int streams_finish(const struct log *log)
{
	int err = streams_flush();

	if (!err)
		return EXIT_OK;
	log_error(log, "cannot write the output: %s", strerror(-err));
	return EXIT_FAILED;
}

bool streams_would_wait(int fd)
{
	struct pollfd ready = { .fd = fd, .events = POLLOUT };

	return poll(&ready, 1, 0) == 0;
}
