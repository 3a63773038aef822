// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "guard/config.h"
#include "guard/order.h"
#include "lib/log.h"
#include "lib/text.h"
#include "tests/unit/capture.h"
#include "tests/unit/commandline.h"

static struct commandline words; /* the strings of an order are its */
static struct log order_log;
static char said[2048];

static enum order_kind parse(const char *line, struct order *out)
{
	struct capture capture;
	enum order_kind kind;

	order_log = (struct log){ .program = "ctguard", .level = LOG_LEVEL_INFO };
	commandline_split(&words, "ctguard", line);
	capture_begin(&capture);
	kind = order_parse(words.argc, words.argv, &order_log, out);
	capture_end(&capture, said, sizeof(said));
	return kind;
}

static struct order good(const char *line)
{
	struct order order;

	assert_int_equal(parse(line, &order), ORDER_GOOD);
	assert_string_equal(said, "");
	return order;
}

/* It is refused in one line that has these words; nothing is written. */
static void refused(const char *line, const char *why)
{
	struct order order;

	memset(&order, 0x5a, sizeof(order));
	assert_int_equal(parse(line, &order), ORDER_BAD);
	if (!strstr(said, why))
		fail_msg("\"%s\": \"%s\" has no \"%s\"", line, said, why);
	assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
	for (size_t i = 0; i < sizeof(order); i++)
		assert_int_equal(((const unsigned char *)&order)[i], 0x5a);
}

static void each_command_is_known_by_its_name(void **state)
{
	static const char *const LINES[] = {
		[ORDER_RUN] = "run",       [ORDER_CHECK_CONFIG] = "check-config",
		[ORDER_DOCTOR] = "doctor", [ORDER_INCIDENTS] = "incidents",
		[ORDER_STATUS] = "status", [ORDER_PAUSE] = "pause",
		[ORDER_RESUME] = "resume", [ORDER_RELEASE] = "release udp/53",
		[ORDER_RELOAD] = "reload", [ORDER_STOP] = "stop",
	};

	for (size_t i = 0; i < sizeof(LINES) / sizeof(LINES[0]); i++) {
		const char *name = order_name((enum order_command)i);

		assert_int_equal(good(LINES[i]).command, i);
		assert_memory_equal(LINES[i], name, strlen(name));
	}
}

static void options_may_stand_before_and_behind_the_command(void **state)
{
	static const char *const SAME[] = {
		"run -s udp/53 -c file -n --lease 1m -j",
		"-jns udp/53 --lease=1m -c file run",
		"--json --dry-run run --service udp/53 --config file --lease 1m",
	};

	for (size_t i = 0; i < sizeof(SAME) / sizeof(SAME[0]); i++) {
		struct order order = good(SAME[i]);

		assert_int_equal(order.command, ORDER_RUN);
		assert_int_equal(order.service_count, 1);
		assert_string_equal(order.services[0], "udp/53");
		assert_string_equal(order.config_path, "file");
		assert_int_equal(order.setting_count, 1);
		assert_string_equal(order.settings[0].name, "lease");
		assert_string_equal(order.settings[0].value, "1m");
		assert_true(order.dry_run && order.json);
		assert_false(order.force || order.now || order.realtime);
		assert_null(order.operand);
	}
}

/* Each in its order, and by a name that the configuration knows. */
static void what_is_set_is_set_as_in_a_file(void **state)
{
	struct order order = good("run --engage-at 70% --release-at 40% --horizon 5s "
				  "--lease 1m --release-after 9s -m 127.0.0.1:9912");
	struct text why = { 0 };
	struct config config;

	config_init(&config);
	assert_int_equal(order.setting_count, 6);
	for (size_t i = 0; i < order.setting_count; i++)
		assert_int_equal(config_set(&config, order.settings[i].name,
					    order.settings[i].value, &why),
				 0);
	assert_float_equal(config.policy.engage_at, 0.7, 1e-9);
	assert_float_equal(config.policy.release_at, 0.4, 1e-9);
	assert_float_equal(config.policy.horizon_s, 5, 1e-9);
	assert_float_equal(config.lease_s, 60, 1e-9);
	assert_float_equal(config.release_after_s, 9, 1e-9);
	assert_string_equal(config.metrics, "127.0.0.1:9912");
}

static void places_and_who_it_is_for_are_kept_as_they_are_given(void **state)
{
	struct order order = good("run --control a --journal b --netns c --user d "
				  "--realtime --force");

	assert_string_equal(order.control_path, "a");
	assert_string_equal(order.journal_path, "b");
	assert_string_equal(order.netns, "c");
	assert_string_equal(order.user, "d");
	assert_true(order.realtime && order.force);
	assert_string_equal(good("incidents 7 --journal b").operand, "7");
	assert_true(good("release udp/53 --now").now);
}

static void a_namespace_is_for_what_guards_one_and_orders_one(void **state)
{
	static const char *const LINES[] = {
		"run --netns red",
		"check-config --netns red",
		"doctor --netns red",
		"status --netns red",
		"pause --netns red",
		"resume --netns red",
		"release udp/53 --netns red",
	};

	for (size_t i = 0; i < sizeof(LINES) / sizeof(LINES[0]); i++)
		assert_string_equal(good(LINES[i]).netns, "red");
	refused("incidents --netns red", "--netns is not for \"incidents\"");
	refused("reload --netns red", "--netns is not for \"reload\"");
	refused("stop --netns red", "--netns is not for \"stop\"");
}

static void verbose_and_quiet_set_the_log(void **state)
{
	good("-v status");
	assert_int_equal(order_log.level, LOG_LEVEL_DEBUG);
	good("-q status");
	assert_int_equal(order_log.level, LOG_LEVEL_WARN);
	good("status");
	assert_int_equal(order_log.level, LOG_LEVEL_INFO);
}

static void help_and_version_need_no_command(void **state)
{
	struct order order;

	assert_int_equal(parse("-h", &order), ORDER_HELP);
	assert_int_equal(parse("--help nonsense", &order), ORDER_HELP);
	assert_int_equal(parse("-V", &order), ORDER_VERSION);
}

static void a_command_that_is_none_is_refused_with_those_that_are(void **state)
{
	refused("", "no command: want run, check-config, doctor, ");
	refused("fly", "unknown command \"fly\": want run, ");
	refused("fly", " or stop");
	refused("Status", "unknown command \"Status\"");
}

static void words_that_are_too_many_or_missing_are_refused(void **state)
{
	refused("release", "which SERVICE?");
	refused("release udp/53 udp/54", "\"udp/54\" is not wanted");
	refused("run udp/53", "\"udp/53\" is not wanted after the command");
	refused("status now", "\"now\" is not wanted");
	refused("incidents 1 2", "\"2\" is not wanted");
}

static void an_option_that_would_be_ignored_is_refused(void **state)
{
	static const char *const OF_A_CONFIGURATION[] = {
		"-s udp/53", "-n", "--force", "--lease 1m", "-m 127.0.0.1:1",
	};
	static const char *const OTHERS[] = {
		"incidents", "status", "pause", "resume", "reload", "stop",
	};
	char line[200];

	for (size_t i = 0; i < sizeof(OTHERS) / sizeof(OTHERS[0]); i++) {
		for (size_t k = 0; k < sizeof(OF_A_CONFIGURATION) / sizeof(char *); k++) {
			snprintf(line, sizeof(line), "%s %s", OTHERS[i],
				 OF_A_CONFIGURATION[k]);
			refused(line, "takes no option of a guard's configuration");
		}
		snprintf(line, sizeof(line), "%s --now", OTHERS[i]);
		refused(line, "--now is for \"release\" only");
	}
	refused("run --now", "--now is for \"release\" only");
	refused("check-config --user nobody", "--user is for \"run\" only");
	refused("doctor --realtime", "--realtime is for \"run\" only");
	refused("stop --journal file", "--journal is not for \"stop\"");
}

static void options_that_are_none_are_refused(void **state)
{
	struct order order;

	/* getopt_long() says what, before the sentence that says where to look. */
	assert_int_equal(parse("run --fly", &order), ORDER_BAD);
	assert_non_null(strstr(said, "--fly"));
	assert_non_null(strstr(said, "see ctguard --help"));
	assert_int_equal(parse("run -c", &order), ORDER_BAD);
	assert_int_equal(parse("run --now=yes", &order), ORDER_BAD);
}

/* A line of so many times the same option. */
static const char *many(int count, const char *option)
{
	static char line[900];
	int length = snprintf(line, sizeof(line), "run");

	for (int i = 0; i < count; i++)
		length += snprintf(line + length, sizeof(line) - (size_t)length, " %s",
				   option);
	assert_true((size_t)length < sizeof(line));
	return line;
}

static void more_than_there_is_room_for_is_refused(void **state)
{
	assert_int_equal(good(many(ORDER_SETTINGS_MAX, "--lease=1m")).setting_count,
			 ORDER_SETTINGS_MAX);
	refused(many(ORDER_SETTINGS_MAX + 1, "--lease=1m"), "--lease is given too often");
	assert_int_equal(good(many(POLICY_SERVICES_MAX, "-sudp/53")).service_count,
			 POLICY_SERVICES_MAX);
	refused(many(POLICY_SERVICES_MAX + 1, "-sudp/53"), "more than 64 services");
}

static void the_help_has_every_command(void **state)
{
	struct text text = { 0 };

	order_help(&text);
	for (int i = ORDER_RUN; i <= ORDER_STOP; i++)
		assert_non_null(
			strstr(text_str(&text), order_name((enum order_command)i)));
	assert_non_null(strstr(text_str(&text), "--realtime"));
	text_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_command_is_known_by_its_name),
		cmocka_unit_test(options_may_stand_before_and_behind_the_command),
		cmocka_unit_test(what_is_set_is_set_as_in_a_file),
		cmocka_unit_test(places_and_who_it_is_for_are_kept_as_they_are_given),
		cmocka_unit_test(a_namespace_is_for_what_guards_one_and_orders_one),
		cmocka_unit_test(verbose_and_quiet_set_the_log),
		cmocka_unit_test(help_and_version_need_no_command),
		cmocka_unit_test(a_command_that_is_none_is_refused_with_those_that_are),
		cmocka_unit_test(words_that_are_too_many_or_missing_are_refused),
		cmocka_unit_test(an_option_that_would_be_ignored_is_refused),
		cmocka_unit_test(options_that_are_none_are_refused),
		cmocka_unit_test(more_than_there_is_room_for_is_refused),
		cmocka_unit_test(the_help_has_every_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
