// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/deputy.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/text.h"

/* In the process. What it is told to perform may have changed what it shares with nobody. */
static bool perform(const struct deputy *deputy, int fd)
{
	struct text out = { 0 };
	const char *at;
	ssize_t done = 0;
	int err = deputy->perform(deputy->data, &out);

	for (at = text_str(&out); *at && done >= 0; at += done)
		done = write(fd, at, strlen(at));
	return !err && done >= 0 && text_ok(&out);
}

/* Reads all that comes within the time. */
static int listen_to(const struct deputy *deputy, int fd, struct text *out)
{
	uint64_t start = clock_now_ns();
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	char data[4096];

	while (out->length < deputy->bytes_max) {
		double left_s =
			deputy->seconds_max - clock_between_s(start, clock_now_ns());
		ssize_t got;

		if (left_s <= 0 || poll(&wait, 1, (int)(1000 * left_s) + 1) == 0)
			return -ETIMEDOUT;
		got = read(fd, data, sizeof(data));
		if (got == 0)
			return 0;
		if (got > 0)
			text_add(out, "%.*s", (int)got, data);
		else if (errno != EINTR)
			return -errno;
	}
	return -E2BIG;
}

int deputy_run(const struct deputy *deputy, struct text *out)
{
	int pipes[2], err, status = 0;
	pid_t child, parent = getpid();

	if (pipe2(pipes, O_CLOEXEC))
		return -errno;
	child = fork();
	if (child == 0) {
		close(pipes[0]);
		/* The parent may have died before that was set. */
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
			_exit(1);
		_exit(perform(deputy, pipes[1]) ? 0 : 1);
	}
	err = child < 0 ? -errno : 0;
	/* With ours open there would be no end of file. */
	close(pipes[1]);
	if (!err)
		err = listen_to(deputy, pipes[0], out);
	close(pipes[0]);
	if (child < 0)
		return err;
	if (err)
		kill(child, SIGKILL);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	/* Killed half-way it has not told all. */
	if (!err && status)
		err = -ECANCELED;
	return err || text_ok(out) ? err : -ENOMEM;
}
