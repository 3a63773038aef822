// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/deputy.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/text.h"

enum { TELL_MAX = 1 << 20, LONG_S = 60 };

/* Nobody is left behind. */
static int run(int (*perform)(const void *, struct text *), const void *data,
	       double seconds, struct text *out)
{
	const struct deputy deputy = { perform, data, seconds, TELL_MAX };
	int err = deputy_run(&deputy, out);

	assert_int_equal(waitpid(-1, NULL, 0), -1);
	assert_int_equal(errno, ECHILD);
	return err;
}

static int tell(const void *data, struct text *out)
{
	const int *lines = data;

	for (int i = 0; i < *lines; i++)
		text_add(out, "line %d\n", i);
	return 0;
}

static void what_it_tells_comes_whole(void **state)
{
	const int lines = 10000;
	struct text out = { 0 }, expected = { 0 };

	tell(&lines, &expected);
	assert_int_equal(run(tell, &lines, LONG_S, &out), 0);
	assert_string_equal(text_str(&out), text_str(&expected));
	text_free(&out);
	text_free(&expected);
}

static void more_than_it_may_tell_is_refused(void **state)
{
	const int lines = 1000000;
	struct text out = { 0 };

	assert_int_equal(run(tell, &lines, LONG_S, &out), -E2BIG);
	text_free(&out);
}

static int wait_for_ever(const void *data, struct text *out)
{
	for (;;)
		pause();
	return 0;
}

static void who_does_not_come_back_is_not_waited_for(void **state)
{
	struct text out = { 0 };

	assert_int_equal(run(wait_for_ever, NULL, 0.01, &out), -ETIMEDOUT);
	text_free(&out);
}

static int fail_half_way(const void *data, struct text *out)
{
	text_add(out, "half of it");
	return -EIO;
}

static int die(const void *data, struct text *out)
{
	_exit(3);
}

static void half_of_it_is_nothing(void **state)
{
	struct text out = { 0 };

	assert_int_equal(run(fail_half_way, NULL, LONG_S, &out), -ECANCELED);
	assert_int_equal(run(die, NULL, LONG_S, &out), -ECANCELED);
	text_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_it_tells_comes_whole),
		cmocka_unit_test(more_than_it_may_tell_is_refused),
		cmocka_unit_test(who_does_not_come_back_is_not_waited_for),
		cmocka_unit_test(half_of_it_is_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
