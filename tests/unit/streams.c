// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/streams.h"

/* The exit status of a child that does this; its standard streams are its own. */
static int in_child(int (*work)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(work());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Number of the first thing that is wrong; 0: nothing. */
static int open_without_streams(void)
{
	int fd;
	char byte;

	for (fd = 0; fd < 3; fd++)
		close(fd);
	if (streams_open() != 0)
		return 1;
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd < 3)
		return 2;
	if (read(0, &byte, 1) != -1 || errno != EBADF)
		return 3;
	if (write(1, "x", 1) != -1 || errno != EBADF)
		return 4;
	return write(2, "x", 1) != -1 || errno != EBADF ? 5 : 0;
}

static void closed_descriptors_are_taken_but_fail(void **state)
{
	assert_int_equal(in_child(open_without_streams), 0);
}

static int open_with_streams(void)
{
	int before = dup(0), after;

	close(before);
	if (streams_open() != 0)
		return 1;
	after = dup(0);
	return after != before;
}

static void open_descriptors_are_left_alone(void **state)
{
	assert_int_equal(in_child(open_with_streams), 0);
}

/* Flushes a byte to what is at fd. */
static int flush_to(int fd)
{
	if (fd >= 0)
		dup2(fd, STDOUT_FILENO);
	else
		close(STDOUT_FILENO);
	streams_open();
	putchar('x');
	return -streams_flush();
}

static int flush_to_full(void)
{
	return flush_to(open("/dev/full", O_WRONLY));
}

static int flush_to_closed(void)
{
	return flush_to(-1);
}

static int flush_to_null(void)
{
	return flush_to(open("/dev/null", O_WRONLY));
}

static int flush_to_unread(void)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	int ends[2];

	sigaction(SIGPIPE, &ignore, NULL);
	if (pipe(ends) < 0)
		return 1;
	close(ends[0]);
	return flush_to(ends[1]);
}

static void a_flush_says_what_is_wrong(void **state)
{
	assert_int_equal(in_child(flush_to_null), 0);
	assert_int_equal(in_child(flush_to_full), ENOSPC);
	assert_int_equal(in_child(flush_to_closed), EBADF);
	assert_int_equal(in_child(flush_to_unread), EPIPE);
}

/* The first write fails, the last flush has nothing left to do. */
static int flush_late(void)
{
	int err = flush_to(open("/dev/full", O_WRONLY));

	return err == ENOSPC ? -streams_flush() : 0;
}

static void an_earlier_failure_is_remembered(void **state)
{
	assert_int_not_equal(in_child(flush_late), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(closed_descriptors_are_taken_but_fail),
		cmocka_unit_test(open_descriptors_are_left_alone),
		cmocka_unit_test(a_flush_says_what_is_wrong),
		cmocka_unit_test(an_earlier_failure_is_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
