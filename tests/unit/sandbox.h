/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_SANDBOX_H
#define TESTS_UNIT_SANDBOX_H

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <sched.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * For tests of what cannot be told without the kernel: a network namespace of the test's own. Where none can be
 * made, they are skipped. Entries come from tests/tools/ctfill, rules from nft.
 */

/* Runs a line for the shell; returns whether it ended well. What it says is not shown. */
static inline bool sandbox_run(const char *line)
{
	char folder[PATH_MAX], path[PATH_MAX + 100], command[4096];
	char sh[] = "sh", option[] = "-c";
	char *argv[] = { sh, option, command, NULL }, *envp[] = { path, NULL };
	ssize_t length = readlink("/proc/self/exe", folder, sizeof(folder) - 1);
	int status;
	pid_t pid;

	assert_true(length > 0);
	folder[length] = '\0';
	snprintf(path, sizeof(path), "PATH=%s/../tools:/usr/sbin:/usr/bin:/sbin:/bin",
		 dirname(folder));
	snprintf(command, sizeof(command), "{ %s; } >/dev/null 2>&1", line);
	assert_int_equal(posix_spawnp(&pid, sh, NULL, NULL, argv, envp), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* The same for what must succeed. */
static inline void sandbox_do(const char *line)
{
	if (!sandbox_run(line))
		fail_msg("failed: %s", line);
}

static inline bool sandbox_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return done;
}

/* Whoever is not root is, in a user namespace. */
static inline bool sandbox_enter(void)
{
	char uids[40], gids[40];

	snprintf(uids, sizeof(uids), "0 %u 1", (unsigned)geteuid());
	snprintf(gids, sizeof(gids), "0 %u 1", (unsigned)getegid());
	if (unshare(CLONE_NEWNET) == 0)
		return true;
	return unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 &&
	       sandbox_write("/proc/self/setgroups", "deny") &&
	       sandbox_write("/proc/self/uid_map", uids) &&
	       sandbox_write("/proc/self/gid_map", gids);
}

/*
 * Setup of a test: a new namespace, in which connections are tracked at 127.0.0.1 and 10.77.0.1. *state says
 * whether there is one: sandbox_needed() skips where not.
 */
static inline int sandbox_setup(void **state)
{
	static bool entered;

	entered = sandbox_enter();
	*state = &entered;
	if (!entered)
		return 0;
	sandbox_do("ip link set lo up && ip addr add 10.77.0.1/32 dev lo");
	sandbox_do("nft 'table inet firewall { chain input { type filter hook input "
		   "priority filter; ct state established accept; }; }'");
	return 0;
}

static inline void sandbox_needed(void **state)
{
	if (!*(bool *)*state)
		skip();
}

#endif
