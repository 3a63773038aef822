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

#include "server/route.h"

static struct route route;

static int find(const char *path)
{
	return route_find(path, strlen(path), &route);
}

static void a_feed_shows_its_decoded_id(void **state)
{
	static const char *const CASES[][2] = {
		{ "/test/7", "/test/7" },
		{ "/test/a%20b", "/test/a b" },
		{ "/test/%41%7a", "/test/Az" },
		{ "/%74es%74/x", "/test/x" },
		{ "/test/a%2Fb/c", "/test/a/b/c" },
		{ "/test/gr%C3%BC%c3%9f", "/test/gr\xc3\xbc\xc3\x9f" },
		{ "/test/100%25", "/test/100%" },
		{ "/test//", "/test//" },
		{ "/test/a+b", "/test/a+b" },
	};

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		assert_int_equal(find(CASES[i][0]), 0);
		assert_int_equal(route.kind, ROUTE_FEED);
		assert_string_equal(route.id, CASES[i][1]);
		assert_int_equal(route.id_bytes, strlen(CASES[i][1]));
	}
}

static void other_paths_lead_to_health_or_nowhere(void **state)
{
	static const char *const NOWHERE[] = {
		"",          "/",          "//",        "/test",
		"/test/",    "/tests/1",   "/Test/1",   "/test%2F1",
		"/healthz/", "/healthz/x", "//healthz",
	};

	assert_int_equal(find("/healthz"), 0);
	assert_int_equal(route.kind, ROUTE_HEALTH);
	assert_int_equal(find("/health%7A"), 0);
	assert_int_equal(route.kind, ROUTE_HEALTH);
	for (size_t i = 0; i < sizeof(NOWHERE) / sizeof(NOWHERE[0]); i++) {
		assert_int_equal(find(NOWHERE[i]), 0);
		assert_int_equal(route.kind, ROUTE_NONE);
	}
}

static void what_could_break_a_line_is_refused(void **state)
{
	static const char *const CASES[] = {
		"/test/%",      "/test/a%2",        "/test/%zz",   "/test/%0g",
		"/test/%00",    "/test/a%0Ab",      "/test/a%0db", "/test/%7f",
		"/test/%c2%85", "/test/%ff",        "/test/%c3",   "/test/a b",
		"/test/\x80",   "/test/gr\xc3\xbc", "/%0a/x",      "/x/%0a",
		"/healthz%00",  "/test/\x7f",
	};

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++)
		if (find(CASES[i]) != -EINVAL)
			fail_msg("case %zu", i);
}

static void the_longest_path_fits(void **state)
{
	static const char *const PREFIXES[] = { "/test/", "//", "/" };
	char path[FEED_ID_MAX];

	for (size_t i = 0; i < sizeof(PREFIXES) / sizeof(PREFIXES[0]); i++) {
		memset(path, 'x', sizeof(path));
		memcpy(path, PREFIXES[i], strlen(PREFIXES[i]));
		assert_int_equal(route_find(path, sizeof(path), &route), 0);
		assert_int_equal(route.kind, i == 0 ? ROUTE_FEED : ROUTE_NONE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_feed_shows_its_decoded_id),
		cmocka_unit_test(other_paths_lead_to_health_or_nowhere),
		cmocka_unit_test(what_could_break_a_line_is_refused),
		cmocka_unit_test(the_longest_path_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
