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
#include "server/listener.h"

static void listeners_come_back_as_they_were(void **state)
{
	static const char *const GOOD[] = {
		"echo=udp/9000", "echo=tcp/[::1]:9000", "discard=udp/127.0.0.1:9009",
		"discard=tcp/[1111:2222:3333:4444:5555:6666:7777:8888]"
		":10000-20000",
		"feed=tcp/8080"
	};

	for (size_t i = 0; i < sizeof(GOOD) / sizeof(GOOD[0]); i++) {
		struct args_why why = { "" };
		struct listener listener;
		char text[LISTENER_TEXT_MAX];

		assert_int_equal(listener_parse(GOOD[i], &listener, &why), 0);
		listener_format(&listener, text);
		assert_string_equal(text, GOOD[i]);
	}
}

static void bad_listeners_are_refused_with_their_text(void **state)
{
	static const char *const BAD[] = { "",
					   "echo",
					   "udp/9000",
					   "=udp/9000",
					   "ech=udp/9000",
					   "echoo=udp/9000",
					   "Echo=udp/9000",
					   "echo =udp/9000",
					   "echo=out:udp/9000",
					   "chargen=udp/19",
					   "echo==udp/9000" };

	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
		struct listener listener = { .kind = LISTENER_FEED };
		struct args_why why = { "" };

		if (listener_parse(BAD[i], &listener, &why) != -EINVAL)
			fail_msg("\"%s\" was taken", BAD[i]);
		assert_true(strlen(why.text) > 10);
		assert_int_equal(listener.kind, LISTENER_FEED);
	}
}

static void a_missing_listener_is_called_that(void **state)
{
	struct args_why why = { "" };
	struct listener listener;

	assert_int_equal(listener_parse("echo=", &listener, &why), -EINVAL);
	assert_string_equal(why.text,
			    "\"echo=\": the listener is missing, like udp/9000");
}

static void the_same_port_twice_is_refused(void **state)
{
	struct listener listeners[3];
	struct args_why why = { "" };

	listener_parse("echo=udp/9000", &listeners[0], &why);
	listener_parse("echo=tcp/9000", &listeners[1], &why);
	listener_parse("discard=udp/127.0.0.1:8000-9000", &listeners[2], &why);
	assert_int_equal(listener_check(listeners, 2, &why), 0);
	assert_int_equal(listener_check(listeners, 3, &why), -EINVAL);
	assert_string_equal(why.text, "echo=udp/9000 and discard=udp/127.0.0.1:8000-9000 "
				      "want the same port");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(listeners_come_back_as_they_were),
		cmocka_unit_test(bad_listeners_are_refused_with_their_text),
		cmocka_unit_test(a_missing_listener_is_called_that),
		cmocka_unit_test(the_same_port_twice_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
