// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/baton.h"

/* A process that takes its turn and keeps it until it is killed. Comes back when it has it. */
static pid_t start_holder(const struct baton *baton)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		if (baton_take(baton) == 0 && write(ready[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void a_turn_is_one_process_s_until_it_ends(void **state)
{
	struct baton baton;
	pid_t holder;

	assert_int_equal(baton_open(&baton), 0);
	assert_int_equal(baton_holder(&baton), 0);
	holder = start_holder(&baton);
	assert_int_equal(baton_holder(&baton), holder);
	assert_int_equal(baton_take(&baton), -EAGAIN);
	kill(holder, SIGKILL);
	waitpid(holder, NULL, 0);
	assert_int_equal(baton_holder(&baton), 0);
	assert_int_equal(baton_take(&baton), 0);
	close(baton.fd);
}

static void a_turn_waits_for_every_one_before(void **state)
{
	struct baton baton;
	pid_t holder;

	assert_int_equal(baton_open(&baton), 0);
	baton.turn = 3;
	holder = start_holder(&baton);
	baton.turn = 5;
	assert_int_equal(baton_holder_before(&baton), holder);
	assert_int_equal(baton_holder(&baton), 0);
	assert_int_equal(baton_take(&baton), -EAGAIN);
	kill(holder, SIGKILL);
	waitpid(holder, NULL, 0);
	assert_int_equal(baton_take(&baton), 0);
	baton_give(&baton);
	/* One that comes after is in nobody's way. */
	holder = start_holder(&baton);
	baton.turn = 4;
	assert_int_equal(baton_take(&baton), 0);
	kill(holder, SIGKILL);
	waitpid(holder, NULL, 0);
	close(baton.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_turn_is_one_process_s_until_it_ends),
		cmocka_unit_test(a_turn_waits_for_every_one_before),
	};

	return cmocka_run_group_tests_name("baton", tests, NULL, NULL);
}
