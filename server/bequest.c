// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/bequest.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/text.h"

/* "7-12,15-15": a variable may not be longer than 128 KiB. */
static void add_number(struct text *text, int number, int *first, int *last)
{
	if (*last >= 0 && number == *last + 1) {
		*last = number;
		return;
	}
	if (*last >= 0)
		text_add(text, "%d-%d,", *first, *last);
	*first = *last = number;
}

int bequest_set_list(const char *name, const int *numbers, size_t count)
{
	struct text text = { 0 };
	int first = -1, last = -1;
	int err = 0;

	for (size_t i = 0; i < count; i++)
		add_number(&text, numbers[i], &first, &last);
	if (last >= 0)
		text_add(&text, "%d-%d", first, last);
	if (!text_ok(&text) || setenv(name, text_str(&text), 1) < 0)
		err = -ENOMEM;
	text_free(&text);
	return err;
}

static void keep_over_exec(const int *fds, size_t count, bool keep)
{
	for (size_t i = 0; i < count; i++)
		fcntl(fds[i], F_SETFD, keep ? 0 : FD_CLOEXEC);
}

static void keep_all_over_exec(const struct bequest *bequest, bool keep)
{
	keep_over_exec(bequest->sockets, bequest->socket_count, keep);
	keep_over_exec(bequest->router, bequest->router_count, keep);
}

static int set_environment(const struct bequest *bequest)
{
	char pid[20];
	int err;

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	err = bequest_set_list(BEQUEST_SOCKETS, bequest->sockets, bequest->socket_count);
	if (err == 0)
		err = bequest_set_list(BEQUEST_WORKERS, bequest->workers,
				       bequest->worker_count);
	if (err == 0)
		err = bequest_set_list(BEQUEST_ROUTER, bequest->router,
				       bequest->router_count);
	if (err == 0 && setenv(BEQUEST_PID, pid, 1) < 0)
		err = -errno;
	return err;
}

int bequest_leave(char *const argv[], const struct bequest *bequest)
{
	sigset_t all, old;
	int err = set_environment(bequest);

	if (err == 0) {
		/* Signals wait until the next one knows what they mean. */
		sigfillset(&all);
		sigprocmask(SIG_SETMASK, &all, &old);
		keep_all_over_exec(bequest, true);
		execvp(argv[0], argv);
		err = -errno;
		keep_all_over_exec(bequest, false);
		sigprocmask(SIG_SETMASK, &old, NULL);
	}
	unsetenv(BEQUEST_PID);
	unsetenv(BEQUEST_SOCKETS);
	unsetenv(BEQUEST_WORKERS);
	unsetenv(BEQUEST_ROUTER);
	return err;
}
