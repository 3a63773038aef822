// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "conntrack/place.h"
#include "lib/args.h"
#include "lib/process.h"

static void names_paths_and_processes_are_told_apart(void **state)
{
	struct args_why why;
	struct place place;

	assert_int_equal(place_parse("box", &place, &why), 0);
	assert_string_equal(place.path, "/run/netns/box");
	assert_string_equal(place_name(&place), "box");
	assert_int_equal(place_parse("./12", &place, &why), 0);
	assert_string_equal(place.path, "./12");
	assert_null(place_name(&place));
	assert_int_equal(place_parse("12", &place, &why), 0);
	assert_string_equal(place.path, "/proc/12/ns/net");
	assert_null(place_name(&place));
	assert_int_equal(place_parse("12345678901", &place, &why), 0);
	assert_string_equal(place.path, "/run/netns/12345678901");
}

static void what_cannot_be_one_is_refused(void **state)
{
	static const char *const BAD[] = { "", ".", ".." };
	char longest[NETNS_PATH_MAX + 1];
	struct args_why why;
	struct place place;

	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
		assert_int_equal(place_parse(BAD[i], &place, &why), -EINVAL);
	memset(longest, 'x', NETNS_PATH_MAX);
	longest[NETNS_PATH_MAX] = '\0';
	assert_int_equal(place_parse(longest, &place, &why), -EINVAL);
	longest[0] = '/';
	assert_int_equal(place_parse(longest, &place, &why), -EINVAL);
	longest[NETNS_PATH_MAX - 1] = '\0';
	assert_int_equal(place_parse(longest, &place, &why), 0);
}

static void a_process_that_has_ended_is_not_found_again(void **state)
{
	struct args_why why;
	struct netns netns;
	struct place place;
	char spec[16];
	int hold[2];
	pid_t pid;

	assert_int_equal(pipe(hold), 0);
	pid = fork();
	if (pid == 0) {
		close(hold[1]);
		_exit((int)read(hold[0], spec, 1));
	}
	close(hold[0]);
	snprintf(spec, sizeof(spec), "%d", (int)pid);
	assert_int_equal(place_parse(spec, &place, &why), 0);
	assert_int_equal(place_hold(&place), 0);
	/* Not by its number: another may get that. */
	assert_null(strstr(place.path, spec));
	assert_int_equal(netns_open(place.path, &netns), 0);
	assert_true(netns.inode == process_netns(getpid()));
	netns_close(&netns);
	close(hold[1]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(netns_open(place.path, &netns) < 0);
	place_release(&place);
	assert_int_equal(place_hold(&place), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_paths_and_processes_are_told_apart),
		cmocka_unit_test(what_cannot_be_one_is_refused),
		cmocka_unit_test(a_process_that_has_ended_is_not_found_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
