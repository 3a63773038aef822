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
#include "lib/service.h"

static struct service parsed(const char *text)
{
	struct service service;
	struct args_why why = { "" };

	if (service_parse(text, &service, &why) != 0)
		fail_msg("%s: %s", text, why.text);
	return service;
}

static void good_specs_come_back_as_they_were(void **state)
{
	static const char *const GOOD[] = {
		"udp/53",
		"tcp/443",
		"udp/192.0.2.1:53",
		"tcp/[2001:db8::1]:443",
		"tcp/[::]:65535",
		"out:udp/53",
		"out:tcp/[::1]:1",
		"udp/10000-20000",
		"udp/127.0.0.1:1-65535",
		"out:udp/[fe80::1]:10000-20000",
	};

	for (size_t i = 0; i < sizeof(GOOD) / sizeof(GOOD[0]); i++) {
		struct service service = parsed(GOOD[i]), again;
		char text[SERVICE_TEXT_MAX];

		service_format(&service, text);
		assert_string_equal(text, GOOD[i]);
		again = parsed(text);
		assert_true(service_equal(&service, &again));
	}
}

static void other_spellings_have_one_canonical_form(void **state)
{
	static const char *const PAIRS[][2] = {
		{ "udp/0053", "udp/53" },
		{ "udp/53-53", "udp/53" },
		{ "tcp/[2001:DB8:0:0::1]:80", "tcp/[2001:db8::1]:80" },
	};

	for (size_t i = 0; i < sizeof(PAIRS) / sizeof(PAIRS[0]); i++) {
		struct service service = parsed(PAIRS[i][0]);
		char text[SERVICE_TEXT_MAX];

		service_format(&service, text);
		assert_string_equal(text, PAIRS[i][1]);
	}
}

static void the_longest_spec_fits(void **state)
{
	static const char LONGEST[] =
		"out:udp/[1111:2222:3333:4444:5555:6666:7777:8888]:10000-20000";
	struct service service = parsed(LONGEST);
	char text[SERVICE_TEXT_MAX];

	service_format(&service, text);
	assert_string_equal(text, LONGEST);
	assert_true(strlen(LONGEST) < SERVICE_TEXT_MAX);
}

static void bad_specs_are_refused_with_their_text(void **state)
{
	static const char *const BAD[] = {
		"",
		"udp",
		"udp/",
		"udp53",
		"UDP/53",
		"sctp/53",
		"/53",
		"udp/0",
		"udp/65536",
		"udp/99999999999",
		"udp/-1",
		"udp/+53",
		"udp/ 53",
		"udp/53 ",
		"udp/53-",
		"udp/-53",
		"udp/20-10",
		"udp/1-2-3",
		"udp/0x35",
		"udp/:53",
		"udp/192.0.2.1",
		"udp/192.0.2.1:",
		"udp/192.0.2:53",
		"udp/192.0.2.256:53",
		"udp/2001:db8::1:53",
		"udp/[2001:db8::1]",
		"udp/[2001:db8::1]:",
		"udp/[2001:db8::1:53",
		"udp/2001:db8::1]:53",
		"udp/[192.0.2.1]:53",
		"udp/[]:53",
		"udp/[fe80::1%lo]:53",
		"udp/localhost:53",
		"out:",
		"out:out:udp/53",
		"in:udp/53",
		"udp/53\n",
	};

	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
		struct service service = { .first_port = 77 };
		struct args_why why = { "" };

		if (service_parse(BAD[i], &service, &why) != -EINVAL)
			fail_msg("\"%s\" was taken", BAD[i]);
		assert_non_null(strstr(why.text, BAD[i]));
		assert_int_equal(service.first_port, 77);
	}
}

static void the_wrong_part_is_named(void **state)
{
	static const char *const CASES[][2] = {
		{ "53", "want PROTO/[ADDR:]PORT" },
		{ "udp/name:53", "the address is not" },
		{ "udp/0", "the port is not" },
		{ "udp/1-", "the port is not" },
		{ "udp/9010-9000", "the range of ports is backwards" },
	};
	struct service service;
	struct args_why why;

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		assert_int_equal(service_parse(CASES[i][0], &service, &why), -EINVAL);
		assert_non_null(strstr(why.text, CASES[i][1]));
	}
}

static void a_long_bad_spec_leaves_a_readable_sentence(void **state)
{
	char text[5000] = "udp/";
	struct service service;
	struct args_why why;

	memset(text + 4, '9', sizeof(text) - 5);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(service_parse(text, &service, &why), -EINVAL);
	assert_non_null(strstr(why.text, "the port is not"));
	assert_true(strlen(why.text) < sizeof(why.text) - 1);
}

static void overlap_is_what_one_flow_could_belong_to(void **state)
{
	static const struct {
		const char *a, *b;
		bool overlaps;
	} CASES[] = {
		{ "udp/53", "udp/53", true },
		{ "udp/53", "udp/54", false },
		{ "udp/53", "tcp/53", false },
		{ "udp/53", "out:udp/53", false },
		{ "udp/53", "udp/192.0.2.1:53", true },
		{ "udp/53", "udp/[::1]:53", true },
		{ "udp/192.0.2.1:53", "udp/192.0.2.1:53", true },
		{ "udp/192.0.2.1:53", "udp/192.0.2.2:53", false },
		{ "udp/192.0.2.1:53", "udp/[::1]:53", false },
		{ "udp/[::1]:53", "udp/[::2]:53", false },
		{ "udp/10-20", "udp/20-30", true },
		{ "udp/10-20", "udp/21-30", false },
		{ "udp/10-20", "udp/15", true },
		{ "udp/10-20", "udp/127.0.0.1:1-65535", true },
	};

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		struct service a = parsed(CASES[i].a), b = parsed(CASES[i].b);

		if (service_overlaps(&a, &b) != CASES[i].overlaps ||
		    service_overlaps(&b, &a) != CASES[i].overlaps)
			fail_msg("%s and %s", CASES[i].a, CASES[i].b);
	}
}

static void equal_means_every_part(void **state)
{
	static const char *const DIFFERENT[] = { "udp/53",           "tcp/53",
						 "out:udp/53",       "udp/53-54",
						 "udp/52-53",        "udp/192.0.2.1:53",
						 "udp/192.0.2.2:53", "udp/[::1]:53" };
	const size_t count = sizeof(DIFFERENT) / sizeof(DIFFERENT[0]);

	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < count; j++) {
			struct service a = parsed(DIFFERENT[i]), b = parsed(DIFFERENT[j]);

			assert_int_equal(service_equal(&a, &b), i == j);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_specs_come_back_as_they_were),
		cmocka_unit_test(other_spellings_have_one_canonical_form),
		cmocka_unit_test(the_longest_spec_fits),
		cmocka_unit_test(bad_specs_are_refused_with_their_text),
		cmocka_unit_test(the_wrong_part_is_named),
		cmocka_unit_test(a_long_bad_spec_leaves_a_readable_sentence),
		cmocka_unit_test(overlap_is_what_one_flow_could_belong_to),
		cmocka_unit_test(equal_means_every_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
