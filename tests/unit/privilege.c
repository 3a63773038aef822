// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/args.h"
#include "lib/privilege.h"

/* The bit of CAP_NET_ADMIN (linux/capability.h). */
static const unsigned long long NET_ADMIN = 1ULL << 12;

/* A number of /proc/self/status, of base 16 or 10. */
static unsigned long long status_of(const char *name, int base)
{
	FILE *file = fopen("/proc/self/status", "r");
	unsigned long long value = 77;
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, name, strlen(name)) == 0)
			value = strtoull(line + strlen(name) + 1, NULL, base);
	}
	if (file)
		fclose(file);
	return value;
}

/* Number of the first thing that is wrong; 0: nothing. */
static int keep_and_look(void)
{
	if (privilege_keep_net_admin(false) != 0)
		return 1;
	if (status_of("CapEff", 16) != NET_ADMIN || status_of("CapPrm", 16) != NET_ADMIN)
		return 2;
	if (status_of("CapBnd", 16) != NET_ADMIN)
		return 3;
	return status_of("NoNewPrivs", 10) == 1 ? 0 : 4;
}

/* An ordinary user has nothing to give up, and that is fine. */
static int look_without(void)
{
	if (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0)
		return 1;
	if (privilege_keep_net_admin(false) != 0)
		return 2;
	return status_of("CapEff", 16) == 0 ? 0 : 3;
}

/* As root only: the user that exists everywhere. */
static int become_and_look(void)
{
	struct privilege_user user;
	struct args_why why;

	if (privilege_find_user("nobody", &user, &why) != 0 ||
	    privilege_become_net_admin(&user, false) != 0)
		return 1;
	if (getuid() != user.uid || geteuid() != user.uid || getgid() != user.gid)
		return 2;
	if (status_of("CapEff", 16) != NET_ADMIN || status_of("CapPrm", 16) != NET_ADMIN)
		return 3;
	if (status_of("CapBnd", 16) != NET_ADMIN || status_of("CapInh", 16) != 0)
		return 4;
	if (status_of("NoNewPrivs", 10) != 1)
		return 5;
	return setresuid(0, 0, 0) == 0 ? 6 : 0;
}

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

static void only_net_admin_is_left(void **state)
{
	assert_int_equal(in_child(keep_and_look), 0);
}

static void another_user_keeps_net_admin_alone(void **state)
{
	if (geteuid() != 0)
		return;
	assert_int_equal(in_child(become_and_look), 0);
}

static void nothing_to_give_up_is_no_error(void **state)
{
	assert_int_equal(in_child(look_without), 0);
}

int main(void)
{
	const struct CMUnitTest unprivileged[] = {
		cmocka_unit_test(nothing_to_give_up_is_no_error),
	};
	const struct CMUnitTest privileged[] = {
		cmocka_unit_test(only_net_admin_is_left),
		cmocka_unit_test(another_user_keeps_net_admin_alone),
	};
	int failed = cmocka_run_group_tests(unprivileged, NULL, NULL);

	if (status_of("CapEff", 16) & NET_ADMIN)
		failed += cmocka_run_group_tests(privileged, NULL, NULL);
	return failed;
}
