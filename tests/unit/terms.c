// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "lib/args.h"
#include "lib/service.h"
#include "rules/terms.h"

static struct service parse(const char *text)
{
	struct service service;
	struct args_why why;

	assert_int_equal(service_parse(text, &service, &why), 0);
	return service;
}

static void how_much_is_written_in_a_word_or_two(void **state)
{
	static const struct {
		struct extent extent;
		const char *wanted;
	} CASES[] = {
		{ { .kind = EXTENT_ALL }, "all" },
		{ { EXTENT_SHARE, .percent = 60 }, "60%" },
		{ { EXTENT_BUDGET, .packets_per_s = 10000000 }, "over 10000000/s" },
	};
	char text[EXTENT_TEXT_MAX];

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		extent_format(&CASES[i].extent, text);
		assert_string_equal(text, CASES[i].wanted);
	}
}

static void a_share_has_a_rule_for_each_family_of_the_service(void **state)
{
	static const struct {
		const char *service;
		unsigned count;
		uint8_t first;
	} CASES[] = {
		{ "tcp/80", 2, AF_INET },
		{ "tcp/192.0.2.1:80", 1, AF_INET },
		{ "tcp/[::1]:80", 1, AF_INET6 },
	};
	const struct extent share = { EXTENT_SHARE, .percent = 60, .seed = 1 };

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		struct service service = parse(CASES[i].service);

		assert_int_equal(untrack_count(&share, &service, LAYOUT_IN),
				 CASES[i].count);
		for (unsigned n = 0; n < CASES[i].count; n++) {
			struct untrack in = untrack_rule(&share, &service, LAYOUT_IN, n);
			struct untrack out =
				untrack_rule(&share, &service, LAYOUT_OUT, n);

			/* The client is where requests come from, and replies go to. */
			assert_true(in.by_source && !out.by_source);
			assert_int_equal(in.family, n ? AF_INET6 : CASES[i].first);
			assert_int_equal(out.family, in.family);
			assert_int_equal(untrack_index(&in, &service, LAYOUT_IN), n);
			assert_int_equal(untrack_index(&in, &service, LAYOUT_OUT),
					 UNTRACK_RULES_MAX);
		}
	}
}

/* Requests come with an address of this host as the destination, which their look-up asks for. */
static void what_this_host_sends_is_untracked_only_from_its_own_addresses(void **state)
{
	static const struct extent EXTENTS[] = {
		{ .kind = EXTENT_ALL },
		{ EXTENT_SHARE, .percent = 60, .seed = 1 },
		{ EXTENT_BUDGET, .packets_per_s = 5 },
	};
	struct service local = parse("udp/80"), remote = parse("out:udp/80");

	for (size_t i = 0; i < sizeof(EXTENTS) / sizeof(EXTENTS[0]); i++) {
		const struct extent *extent = &EXTENTS[i];
		struct untrack in = untrack_rule(extent, &local, LAYOUT_IN, 0);
		struct untrack out = untrack_rule(extent, &local, LAYOUT_OUT, 0);

		assert_true(!in.from_here && out.from_here);
		assert_int_equal(untrack_index(&out, &local, LAYOUT_OUT), 0);
		out.from_here = false;
		assert_int_equal(untrack_index(&out, &local, LAYOUT_OUT),
				 UNTRACK_RULES_MAX);
		in = untrack_rule(extent, &remote, LAYOUT_IN, 0);
		out = untrack_rule(extent, &remote, LAYOUT_OUT, 0);
		assert_true(in.from_here && !out.from_here);
	}
}

static void a_holder_is_read_back(void **state)
{
	const struct holder holder = { "ctguard", 4294967295 };
	char text[HOLDER_TEXT_MAX];
	struct holder back;

	holder_format(&holder, text);
	assert_string_equal(text, "ctguard 4294967295");
	back = holder_parse(text, strlen(text));
	assert_true(holder_equal(&holder, &back));
	back.pid--;
	assert_false(holder_equal(&holder, &back));
	back = holder_parse("", 0);
	holder_format(&back, text);
	assert_string_equal(text, "");
}

static void other_comments_name_no_holder(void **state)
{
	static const char *const BAD[] = {
		" ",
		"ctguard",
		"ctguard ",
		"ctguard 1 ",
		" ctguard 1",
		"ctguard x",
		"ctguard 01",
		"ctguard -1",
		"ctguard 4294967296",
		"CTGUARD 1",
		"\033[2Jx 1",
		"a  1",
		"abcdefghijklmnop 1",
		"c\nd 1",
		"ctguard 99999999999",
		"ctguard 1\n",
		"tomato\xff 1",
		"this is a comment that somebody wrote",
	};

	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
		struct holder holder = holder_parse(BAD[i], strlen(BAD[i]));

		if (holder.program[0] || holder.pid)
			fail_msg("\"%s\" was read as a holder", BAD[i]);
	}
	assert_int_equal(holder_parse("a 1\0b", 5).pid, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(how_much_is_written_in_a_word_or_two),
		cmocka_unit_test(a_share_has_a_rule_for_each_family_of_the_service),
		cmocka_unit_test(
			what_this_host_sends_is_untracked_only_from_its_own_addresses),
		cmocka_unit_test(a_holder_is_read_back),
		cmocka_unit_test(other_comments_name_no_holder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
