// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/guardian.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "guard/enrolment.h"
#include "lib/args.h"
#include "server/listener.h"

static char why[GUARDIAN_WHY_MAX];

static bool registered(const char *answer)
{
	return guardian_is_registered(answer, strlen(answer), why);
}

/* Both ends of the conversation are here: each understands the other. */
static void what_is_asked_is_what_the_guard_reads(void **state)
{
	struct listener listeners[2];
	struct enrolment enrolment;
	struct args_why reason;
	json_t *request;
	char *line;

	assert_int_equal(listener_parse("echo=udp/9000", &listeners[0], &reason), 0);
	assert_int_equal(
		listener_parse("feed=tcp/[2001:db8::1]:80-90", &listeners[1], &reason),
		0);
	line = guardian_request(listeners, 2, 4026531840);
	assert_non_null(line);
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
	request = json_loads(line, 0, NULL);
	assert_int_equal(enrolment_parse(request, &enrolment, &reason), 0);
	assert_string_equal(enrolment.program, "ctserve");
	assert_true(enrolment.netns == 4026531840);
	assert_int_equal(enrolment.count, 2);
	assert_true(service_equal(&enrolment.services[1], &listeners[1].service));
	json_decref(request);
	free(line);
}

static void an_answer_says_whether_and_what_not(void **state)
{
	assert_true(
		registered("{\"ok\":true,\"registered\":[\"udp/9000\"],\"refused\":[]}"));
	assert_string_equal(why, "");
	assert_true(
		registered("{\"ok\":true,\"refused\":[{\"service\":\"udp/53\",\"why\":"
			   "\"udp/53 is under never\"}]}"));
	assert_string_equal(why, "udp/53 is under never");
	assert_false(registered("{\"ok\":false,\"error\":\"no\"}"));
	assert_string_equal(why, "no");
}

static void an_answer_may_be_anything(void **state)
{
	static const char *const STRANGE[] = {
		"", "{", "[]", "\"ok\"", "{\"ok\":1}", "{\"ok\":\"true\"}", "null"
	};
	char longer[3 * GUARDIAN_WHY_MAX] = "{\"ok\":false,\"error\":\"\\u001b[2J\\n";
	size_t length = strlen(longer);

	for (size_t i = 0; i < sizeof(STRANGE) / sizeof(STRANGE[0]); i++) {
		assert_false(registered(STRANGE[i]));
		assert_non_null(strstr(why, "understood"));
	}
	memset(longer + length, 'x', sizeof(longer) - length - 3);
	memcpy(longer + sizeof(longer) - 3, "\"}", 3);
	assert_false(registered(longer));
	assert_int_equal(strlen(why), GUARDIAN_WHY_MAX - 1);
	assert_memory_equal(why, "?[2J?xxx", 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_asked_is_what_the_guard_reads),
		cmocka_unit_test(an_answer_says_whether_and_what_not),
		cmocka_unit_test(an_answer_may_be_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
