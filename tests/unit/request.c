// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/log.h"
#include "lib/text.h"
#include "rules/request.h"
#include "tests/unit/capture.h"
#include "tests/unit/commandline.h"

enum { SAID_MAX = 1024 };

/* Parses words that are separated by single spaces; what was said about them is in said. */
static enum request_kind parse(const char *line, struct log *log, struct request *request,
			       char said[SAID_MAX])
{
	struct commandline words;
	struct capture capture;
	enum request_kind kind;

	commandline_split(&words, "ctrules", line);
	*log = (struct log){ .program = "ctrules", .level = LOG_LEVEL_INFO };
	capture_begin(&capture);
	kind = request_parse(words.argc, words.argv, log, request);
	capture_end(&capture, said, SAID_MAX);
	return kind;
}

static void commands_and_options_may_stand_in_any_order(void **state)
{
	static const char *const SAME[] = {
		"add udp/53 -l 2m -j --force",
		"-j --lease 120 --force add udp/53",
		"add --force -jl2m udp/53",
	};
	struct request request;
	char said[SAID_MAX];
	struct log log;

	for (size_t i = 0; i < sizeof(SAME) / sizeof(SAME[0]); i++) {
		assert_int_equal(parse(SAME[i], &log, &request, said), REQUEST_RUN);
		assert_string_equal(said, "");
		assert_string_equal(request_name(&request), "add");
		assert_true(request_takes_service(&request));
		assert_int_equal(request.service.first_port, 53);
		assert_float_equal(request.lease_s, 120, 1e-9);
		assert_true(request.json && request.force && request.lease_given);
		assert_false(request.forever || request.dry_run);
	}
}

static void without_options_the_lease_is_five_minutes(void **state)
{
	struct request request;
	char said[SAID_MAX];
	struct log log;

	assert_int_equal(parse("add tcp/80", &log, &request, said), REQUEST_RUN);
	assert_float_equal(request.lease_s, 300, 0);
	assert_false(request.lease_given || request.json || request.force);
	assert_int_equal(log.level, LOG_LEVEL_INFO);
}

static void how_much_is_untracked_is_a_share_a_budget_or_all(void **state)
{
	static const struct {
		const char *line;
		struct extent extent;
	} CASES[] = {
		{ "add tcp/80", { .kind = EXTENT_ALL } },
		{ "add tcp/80 --share 100%", { .kind = EXTENT_ALL } },
		{ "add tcp/80 --share 1%", { EXTENT_SHARE, .percent = 1 } },
		{ "add out:tcp/80-90 --share 99%", { EXTENT_SHARE, .percent = 99 } },
		{ "add udp/80 --share 29%", { EXTENT_SHARE, .percent = 29 } },
		{ "add udp/80 --budget 2k", { EXTENT_BUDGET, .packets_per_s = 2000 } },
	};
	struct request request;
	char said[SAID_MAX];
	struct log log;

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		assert_int_equal(parse(CASES[i].line, &log, &request, said), REQUEST_RUN);
		assert_true(extent_equal(&request.extent, &CASES[i].extent));
	}
}

static void an_audit_is_of_one_service_or_of_all(void **state)
{
	struct request request;
	char said[SAID_MAX];
	struct log log;

	assert_int_equal(parse("audit udp/53", &log, &request, said), REQUEST_RUN);
	assert_true(request_takes_service(&request));
	assert_int_equal(parse("audit --all -j", &log, &request, said), REQUEST_RUN);
	assert_true(request.all && request.json);
	assert_false(request_takes_service(&request));
}

static void verbose_and_quiet_set_the_level(void **state)
{
	struct request request;
	char said[SAID_MAX];
	struct log log;

	assert_int_equal(parse("list -v", &log, &request, said), REQUEST_RUN);
	assert_int_equal(log.level, LOG_LEVEL_DEBUG);
	assert_false(request_takes_service(&request));
	assert_int_equal(parse("flush -q", &log, &request, said), REQUEST_RUN);
	assert_int_equal(log.level, LOG_LEVEL_WARN);
}

static void help_and_version_come_before_everything_else(void **state)
{
	struct request request;
	char said[SAID_MAX];
	struct log log;

	assert_int_equal(parse("--help nonsense", &log, &request, said), REQUEST_HELP);
	assert_int_equal(parse("add -V", &log, &request, said), REQUEST_VERSION);
}

static void what_is_wrong_is_named_in_one_sentence(void **state)
{
	static const struct {
		const char *line;
		const char *cause;
	} CASES[] = {
		{ "", "want a command" },
		{ "remove udp/53", "unknown command \"remove\"" },
		{ "add", "There is none after \"add\"" },
		{ "delete", "There is none after \"delete\"" },
		{ "audit --all udp/53", "one operand too many: \"udp/53\"" },
		{ "audit --all --explain", "are for one service, not for --all" },
		{ "audit --all --rehearse", "are for one service, not for --all" },
		{ "add udp/53 --all", "--all is not for command \"add\"" },
		{ "list --all", "--all is not for command \"list\"" },
		{ "list udp/53", "one operand too many: \"udp/53\"" },
		{ "add udp/53 udp/54", "one operand too many: \"udp/54\"" },
		{ "add 53", "service \"53\"" },
		{ "add udp/9-1", "the range of ports is backwards" },
		{ "add out:udp/[::1]:53", "\"out:udp/[::1]:53\": flows from this host" },
		{ "add udp/53 --share 60", "--share: \"60\"" },
		{ "add udp/53 --share 0%", "--share: \"0%\" is out of range" },
		{ "add udp/53 --share 101%", "--share: \"101%\" is out of range" },
		{ "add udp/53 --share 12.5%", "want whole percents, not \"12.5%\"" },
		{ "add udp/53 --budget 0", "--budget: \"0\" is out of range" },
		{ "add udp/53 --budget 11M", "--budget: \"11M\" is out of range" },
		{ "add udp/53 --budget 5 --share 5%", "exclude each other" },
		{ "add tcp/53 --budget 5", "\"tcp/53\": a budget is for udp" },
		{ "list --share 5%", "not for command \"list\"" },
		{ "delete udp/53 --budget 5", "not for command \"delete\"" },
		{ "add udp/53 -l 1ms",
		  "--lease: \"1ms\" is out of range (100ms to 365d)" },
		{ "add udp/53 -l 5m --forever", "exclude each other" },
		{ "delete udp/53 -l 5m", "not for command \"delete\"" },
		{ "flush --force", "not for command \"flush\"" },
		{ "list -n", "--dry-run is not for command \"list\"" },
		{ "list --no-such", "--no-such" },
	};
	const struct request untouched = { .lease_s = 77 };
	char said[SAID_MAX];
	struct log log;

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		struct request request = untouched;

		assert_int_equal(parse(CASES[i].line, &log, &request, said), REQUEST_BAD);
		if (!strstr(said, CASES[i].cause))
			fail_msg("\"%s\": %s", CASES[i].line, said);
		assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
		assert_float_equal(request.lease_s, 77, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_and_options_may_stand_in_any_order),
		cmocka_unit_test(without_options_the_lease_is_five_minutes),
		cmocka_unit_test(how_much_is_untracked_is_a_share_a_budget_or_all),
		cmocka_unit_test(an_audit_is_of_one_service_or_of_all),
		cmocka_unit_test(verbose_and_quiet_set_the_level),
		cmocka_unit_test(help_and_version_come_before_everything_else),
		cmocka_unit_test(what_is_wrong_is_named_in_one_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
