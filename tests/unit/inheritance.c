// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/args.h"
#include "server/bequest.h"
#include "server/inheritance.c"

static void assert_numbers(const char *text, const int *expected, ssize_t count)
{
	int *numbers = NULL;

	assert_int_equal(read_numbers(text, &numbers), count);
	for (ssize_t i = 0; i < count; i++)
		assert_int_equal(numbers[i], expected[i]);
	free(numbers);
}

static void lists_of_ranges_are_read(void **state)
{
	assert_numbers("", NULL, 0);
	assert_numbers("7", (const int[]){ 7 }, 1);
	assert_numbers("7-9,12,3-3", (const int[]){ 7, 8, 9, 12, 3 }, 5);
}

static void lists_that_are_none_are_refused(void **state)
{
	static const char *const BAD[] = { "x",    "-1",         "7-",   "9-7",
					   "7,,8", "7 8",        "7-8x", "1-999999999",
					   ",",    "99999999999" };

	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
		int *numbers = NULL;

		if (read_numbers(BAD[i], &numbers) != -EINVAL)
			fail_msg("\"%s\" was read", BAD[i]);
	}
}

static void what_is_written_is_read_back(void **state)
{
	const int numbers[] = { 5, 6, 7, 100, 9, 8, 10, 11 };

	assert_int_equal(bequest_set_list("TEST_LIST", numbers, 8), 0);
	assert_string_equal(getenv("TEST_LIST"), "5-7,100-100,9-9,8-8,10-11");
	assert_numbers(getenv("TEST_LIST"), numbers, 8);
	assert_int_equal(bequest_set_list("TEST_LIST", numbers, 0), 0);
	assert_numbers(getenv("TEST_LIST"), NULL, 0);
	unsetenv("TEST_LIST");
}

static int listen_anywhere(union socket_address *address)
{
	socklen_t bytes = sizeof(*address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	*address = (union socket_address){ .v4 = { .sin_family = AF_INET } };
	address->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, &address->any, sizeof(address->v4)), 0);
	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(getsockname(fd, &address->any, &bytes), 0);
	return fd;
}

static void leave(const int *fds, size_t count, pid_t to)
{
	char text[20];

	snprintf(text, sizeof(text), "%d", (int)to);
	assert_int_equal(setenv(BEQUEST_PID, text, 1), 0);
	assert_int_equal(bequest_set_list(BEQUEST_SOCKETS, fds, count), 0);
	assert_int_equal(bequest_set_list(BEQUEST_WORKERS, fds, 0), 0);
}

/* A duplicate of a descriptor is the same socket, which is found once. */
static void sockets_are_found_once_and_by_their_address(void **state)
{
	union socket_address first, other;
	int fds[3] = { listen_anywhere(&first), -1, listen_anywhere(&other) };
	struct inheritance inheritance;
	struct args_why why;
	int found[3];

	fds[1] = dup(fds[0]);
	leave(fds, 3, getpid());
	assert_int_equal(inheritance_take(&inheritance, &why), 0);
	assert_null(getenv(BEQUEST_SOCKETS));
	assert_int_equal(inheritance_find(&inheritance, IPPROTO_UDP, &first, found, 3),
			 0);
	assert_int_equal(inheritance_check(&inheritance, &why), -EINVAL);
	assert_int_equal(inheritance_find(&inheritance, IPPROTO_TCP, &first, found, 3),
			 1);
	assert_int_equal(found[0], fds[0]);
	assert_int_equal(inheritance_check(&inheritance, &why), -EINVAL);
	assert_non_null(strstr(why.text, "is none of the listeners"));
	assert_int_equal(inheritance_find(&inheritance, IPPROTO_TCP, &other, found, 3),
			 1);
	assert_int_equal(inheritance_check(&inheritance, &why), 0);
	inheritance_close(&inheritance);
	assert_int_equal(fcntl(fds[1], F_GETFD), -1);
}

static void what_is_meant_for_another_process_is_forgotten(void **state)
{
	const int fd = 0;
	struct inheritance inheritance;
	struct args_why why;

	leave(&fd, 1, 1);
	assert_int_equal(inheritance_take(&inheritance, &why), 0);
	assert_int_equal(inheritance.count, 0);
	assert_null(getenv(BEQUEST_PID));
	inheritance_close(&inheritance);
}

static void a_descriptor_that_is_no_socket_is_refused(void **state)
{
	int pair[2];
	struct inheritance inheritance;
	struct args_why why;

	assert_int_equal(pipe(pair), 0);
	leave(pair, 1, getpid());
	assert_int_equal(inheritance_take(&inheritance, &why), -ENOTSOCK);
	assert_non_null(strstr(why.text, "is not a TCP or UDP socket"));
	leave(pair, 1, getpid());
	setenv(BEQUEST_SOCKETS, "garbage", 1);
	assert_int_equal(inheritance_take(&inheritance, &why), -EINVAL);
	assert_non_null(strstr(why.text, "\"garbage\""));
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_of_ranges_are_read),
		cmocka_unit_test(lists_that_are_none_are_refused),
		cmocka_unit_test(what_is_written_is_read_back),
		cmocka_unit_test(sockets_are_found_once_and_by_their_address),
		cmocka_unit_test(what_is_meant_for_another_process_is_forgotten),
		cmocka_unit_test(a_descriptor_that_is_no_socket_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
