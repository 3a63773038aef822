// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "guard/choice.h"
#include "guard/complaint.h"
#include "guard/config.h"
#include "guard/order.h"
#include "lib/text.h"

static char path[] = "/tmp/choice.XXXXXX";
static struct complaint heard;

static void hear(cfg_t *file, const char *fmt, va_list args)
{
	heard.line = file->line;
	vsnprintf(heard.sentence, sizeof(heard.sentence), fmt, args);
}

static const struct choice_ear EAR = { hear, &heard };

static int make_file(void **state)
{
	int fd = mkstemp(path);

	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	return unlink(path);
}

/* An order to run by a file of that text; NULL: without one. */
static struct order by_file(const char *text)
{
	FILE *file;

	if (!text)
		return (struct order){ 0 };
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	return (struct order){ .config_path = path };
}

static void set(struct order *order, const char *name, const char *value)
{
	order->settings[order->setting_count].name = name;
	order->settings[order->setting_count++].value = value;
}

static void the_command_line_is_over_the_file(void **state)
{
	struct order order = by_file("lease = 1m\nhorizon = 5s\njournal = \"of-file\"\n"
				     "service \"udp/53\" { }\n");
	struct text why = { 0 };
	struct config config;

	set(&order, "lease", "2m");
	order.journal_path = "of-line";
	order.control_path = "socket";
	order.netns = "red";
	order.force = true;
	order.services[order.service_count++] = "tcp/8080";
	assert_int_equal(choice_check(&order, &EAR, &config, &why), 0);
	assert_float_equal(config.lease_s, 120, 1e-9);
	assert_float_equal(config.policy.horizon_s, 5, 1e-9);
	assert_string_equal(config.journal, "of-line");
	assert_string_equal(config.control, "socket");
	assert_string_equal(config.netns, "red");
	assert_true(config.force);
	assert_int_equal(config.count, 2);
	assert_int_equal(config.services[1].service.first_port, 8080);
}

/* There it says for which of those that are guarded an order is, not which are. */
static void of_an_order_the_namespace_is_no_setting(void **state)
{
	struct order order = { .command = ORDER_PAUSE, .netns = "red" };
	struct text why = { 0 };
	struct config config;

	assert_int_equal(choice_read(&order, &EAR, &config, &why), 0);
	assert_string_equal(config.netns, "");
	order.command = ORDER_DOCTOR;
	assert_int_equal(choice_read(&order, &EAR, &config, &why), 0);
	assert_string_equal(config.netns, "red");
}

/* Whether it is refused, and with these words. */
static void refused(const struct order *order, const char *words)
{
	struct text why = { 0 };
	struct config config;

	assert_true(choice_check(order, &EAR, &config, &why) < 0);
	if (!strstr(text_str(&why), words))
		fail_msg("\"%s\" has no \"%s\"", text_str(&why), words);
	text_free(&why);
}

static void what_is_wrong_in_the_file_is_told_with_its_place(void **state)
{
	struct order order = by_file("lease = 1m\nhorizon = never\n");
	char place[64];

	snprintf(place, sizeof(place), "%s:2: ", path);
	refused(&order, place);
	refused(&order, "\"never\"");
	/* The line itself is shown. */
	refused(&order, "\n");
	refused(&order, "horizon = never");
}

static void an_old_complaint_is_not_told_again(void **state)
{
	struct order order = by_file("lease = never\n");

	refused(&order, "lease");
	order.config_path = "/nowhere/file";
	refused(&order, "cannot read \"/nowhere/file\": No such file or directory");
	assert_string_equal(heard.sentence, "");
}

static void what_is_wrong_on_the_line_is_told_without_a_place(void **state)
{
	struct order order = by_file("service \"udp/53\" { }\n");
	struct text why = { 0 };
	struct config config;

	set(&order, "lease", "never");
	assert_true(choice_check(&order, &EAR, &config, &why) < 0);
	assert_null(strstr(text_str(&why), path));
	assert_non_null(strstr(text_str(&why), "\"never\""));
	text_free(&why);
	order.setting_count = 0;
	order.services[order.service_count++] = "udp/0";
	refused(&order, "udp/0");
	order.services[0] = "udp/53";
	refused(&order, "udp/53");
}

/* Each by itself may be right. */
static void what_makes_no_sense_together_is_told(void **state)
{
	struct order order = by_file("service \"udp/53\" { }\nrelease-at = 60%\n");

	set(&order, "engage-at", "55%");
	refused(&order, "60");
	order = by_file("never = { \"udp/53\" }\nservice \"udp/53\" { }\n");
	refused(&order, path);
	order = by_file(NULL);
	refused(&order, "service");
}

static void reading_alone_asks_for_no_sense(void **state)
{
	struct order order = by_file(NULL);
	struct text why = { 0 };
	struct config config;

	assert_int_equal(choice_read(&order, &EAR, &config, &why), 0);
	assert_int_equal(config.count, 0);
}

static void an_examination_tells_what_is_wrong_in_a_line(void **state)
{
	struct order order = by_file("lease = 1m\nhorizon = never\n");
	struct config config = { .count = 7 };
	char problem[200];

	assert_true(choice_examine(&order, &EAR, &config, problem, sizeof(problem)));
	assert_memory_equal(problem, path, strlen(path));
	assert_null(strchr(problem, '\n'));
	assert_int_equal(config.count, 0);
	order = by_file("service \"udp/53\" { }\n");
	assert_true(choice_examine(&order, &EAR, &config, problem, sizeof(problem)));
	assert_string_equal(problem, "");
	assert_int_equal(config.count, 1);
	/* Of what is wrong in part nothing is kept. */
	set(&order, "lease", "never");
	assert_true(choice_examine(&order, &EAR, &config, problem, sizeof(problem)));
	assert_non_null(strstr(problem, "\"never\""));
	assert_int_equal(config.count, 0);
}

static void without_a_configuration_there_is_nothing_to_examine(void **state)
{
	struct order order = by_file(NULL);
	struct config config = { .count = 7 };
	char problem[200] = "x";

	if (access(CHOICE_PATH, R_OK) == 0)
		skip();
	assert_false(choice_examine(&order, &EAR, &config, problem, sizeof(problem)));
	assert_string_equal(problem, "");
	assert_int_equal(config.count, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_command_line_is_over_the_file),
		cmocka_unit_test(of_an_order_the_namespace_is_no_setting),
		cmocka_unit_test(what_is_wrong_in_the_file_is_told_with_its_place),
		cmocka_unit_test(an_old_complaint_is_not_told_again),
		cmocka_unit_test(what_is_wrong_on_the_line_is_told_without_a_place),
		cmocka_unit_test(what_makes_no_sense_together_is_told),
		cmocka_unit_test(reading_alone_asks_for_no_sense),
		cmocka_unit_test(an_examination_tells_what_is_wrong_in_a_line),
		cmocka_unit_test(without_a_configuration_there_is_nothing_to_examine),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
