// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/enrolment.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/args.h"

static struct enrolment enrolment;
static struct args_why why;

static int parse(const char *text)
{
	json_t *request = json_loads(text, 0, NULL);
	int err = enrolment_parse(request, &enrolment, &why);

	json_decref(request);
	return err;
}

static void a_program_says_what_it_serves_and_where(void **state)
{
	json_t *names;
	char *text;

	assert_int_equal(
		parse("{\"command\":\"register\",\"program\":\"ctserve\",\"netns\":"
		      "4026531840,\"services\":[\"udp/9000\","
		      "\"tcp/[2001:db8::1]:80\"]}"),
		0);
	assert_string_equal(enrolment.program, "ctserve");
	assert_true(enrolment.netns == 4026531840);
	assert_int_equal(enrolment.count, 2);
	names = enrolment_names(&enrolment);
	text = json_dumps(names, JSON_COMPACT);
	assert_string_equal(text, "[\"udp/9000\",\"tcp/[2001:db8::1]:80\"]");
	free(text);
	json_decref(names);
}

static void what_is_wrong_is_said(void **state)
{
	static const struct {
		const char *request, *words;
	} CASES[] = {
		{ "{}", "\"program\" is not a name" },
		{ "{\"program\":\"\"}", "\"program\" is not a name" },
		{ "{\"program\":\"a b\"}", "not plain text" },
		{ "{\"program\":\"\\u001b[2J\"}", "not plain text" },
		{ "{\"program\":\"12345678901234567890123456789012\"}", "not a name" },
		{ "{\"program\":\"p\"}", "\"netns\"" },
		{ "{\"program\":\"p\",\"netns\":-1}", "\"netns\"" },
		{ "{\"program\":\"p\",\"netns\":\"1\"}", "\"netns\"" },
		{ "{\"program\":\"p\",\"netns\":1}", "not a list" },
		{ "{\"program\":\"p\",\"netns\":1,\"services\":[]}", "not a list" },
		{ "{\"program\":\"p\",\"netns\":1,\"services\":[1]}", "no text" },
		{ "{\"program\":\"p\",\"netns\":1,\"services\":[\"udp/0\"]}", "udp/0" },
		{ "{\"program\":\"p\",\"netns\":1,\"services\":[\"out:udp/53\"]}",
		  "of this host" },
		{ "{\"program\":\"p\",\"netns\":1,\"services\":[\"udp/1\",\"udp/1-2\"]}",
		  "overlap" },
	};

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		enrolment.count = 77;
		assert_int_equal(parse(CASES[i].request), -EINVAL);
		assert_non_null(strstr(why.text, CASES[i].words));
		assert_int_equal(enrolment.count, 77);
	}
}

static void no_more_services_than_there_is_room_for(void **state)
{
	json_t *list = json_array();
	json_t *request = json_pack("{s:s, s:i, s:o}", "program", "p", "netns", 1,
				    "services", list);

	for (int i = 0; i < ENROLMENT_SERVICES_MAX; i++)
		json_array_append_new(list, json_sprintf("udp/%d", 9000 + i));
	assert_int_equal(enrolment_parse(request, &enrolment, &why), 0);
	assert_int_equal(enrolment.count, ENROLMENT_SERVICES_MAX);
	json_array_append_new(list, json_string("udp/1"));
	assert_int_equal(enrolment_parse(request, &enrolment, &why), -EINVAL);
	json_decref(request);
}

static int report(const char *line, uint64_t *eperm)
{
	return enrolment_parse_report(line, strlen(line), eperm);
}

static void a_report_is_a_number_and_nothing_else(void **state)
{
	static const char *const BAD[] = { "",
					   "12",
					   "{}",
					   "[12]",
					   "{\"eperm\":0}",
					   "{\"eperm\":-1}",
					   "{\"eperm\":1.5}",
					   "{\"eperm\":99999999999999}",
					   "{\"eperm\":1,\"eperm\":2}",
					   "{\"eperm\":1" };
	uint64_t eperm = 7;

	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
		assert_int_equal(report(BAD[i], &eperm), -EINVAL);
	assert_int_equal(eperm, 7);
	assert_int_equal(report("{\"eperm\":12}", &eperm), 0);
	assert_int_equal(eperm, 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_says_what_it_serves_and_where),
		cmocka_unit_test(what_is_wrong_is_said),
		cmocka_unit_test(no_more_services_than_there_is_room_for),
		cmocka_unit_test(a_report_is_a_number_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
