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

#include "guard/config.h"
#include "guard/syntax.h"
#include "lib/text.h"

/* What libConfuse complained of last; a callback can bring it no other way. */
static char complaint[512];

static void keep_complaint(cfg_t *file, const char *fmt, va_list args)
{
	int length = snprintf(complaint, sizeof(complaint), "%d: ", file->line);

	vsnprintf(complaint + length, sizeof(complaint) - (size_t)length, fmt, args);
}

static int read_text(const char *text, struct config *config)
{
	char path[] = "/tmp/ctguard.conf.XXXXXX";
	int fd = mkstemp(path);
	int err;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	complaint[0] = '\0';
	err = syntax_read(config, path, keep_complaint);
	unlink(path);
	return err;
}

static void a_file_sets_everything(void **state)
{
	struct config config;

	config_init(&config);
	assert_int_equal(
		read_text("# comment\n"
			  "engage-at = 70%\nrelease-at = 40%\nhorizon = 5s\n"
			  "lease = 1m\nrelease-after = 10s\n"
			  "service \"udp/9000\" { }\n"
			  "service \"tcp/[2001:db8::1]:8080\" { release-after = 5m }\n"
			  "never = { \"tcp/22\", \"udp/53\" }\n",
			  &config),
		0);
	assert_float_equal(config.policy.engage_at, 0.7, 1e-9);
	assert_float_equal(config.policy.release_at, 0.4, 1e-9);
	assert_float_equal(config.policy.horizon_s, 5, 1e-9);
	assert_float_equal(config.lease_s, 60, 1e-9);
	assert_int_equal(config.count, 2);
	assert_float_equal(config_release_after_s(&config, 0), 10, 1e-9);
	assert_float_equal(config_release_after_s(&config, 1), 300, 1e-9);
	assert_int_equal(config.services[1].service.first_port, 8080);
	assert_int_equal(config.never_count, 2);
}

static void a_bad_value_is_told_with_its_line(void **state)
{
	struct config config;

	config_init(&config);
	assert_int_equal(read_text("lease = 30s\nengage-at = 8O%\n", &config), -EINVAL);
	assert_string_equal(complaint, "2: engage-at: \"8O%\" is not a share (like 80%)");
	assert_int_equal(read_text("\n\nservice \"udp/99999\" { }\n", &config), -EINVAL);
	assert_non_null(strstr(complaint, "3: service \"udp/99999\": the port"));
	assert_int_equal(read_text("never = { \"tcp/x\" }\n", &config), -EINVAL);
	assert_non_null(strstr(complaint, "1: never: service \"tcp/x\""));
	assert_int_equal(
		read_text("service \"udp/1\" {\n release-after = soon\n}\n", &config),
		-EINVAL);
	assert_non_null(strstr(complaint, "2: release-after: \"soon\""));
}

static void an_error_leaves_the_configuration_as_it_was(void **state)
{
	struct config before, config;

	config_init(&config);
	before = config;
	assert_int_equal(read_text("engage-at = 60%\nno-such-thing = 1\n", &config),
			 -EINVAL);
	assert_memory_equal(&config, &before, sizeof(config));
	assert_int_equal(
		read_text("service \"udp/1\" { }\nservice \"udp/1:\" { }\n", &config),
		-EINVAL);
	assert_memory_equal(&config, &before, sizeof(config));
}

static void a_missing_file_is_not_a_bad_one(void **state)
{
	struct config config;

	config_init(&config);
	assert_int_equal(
		syntax_read(&config, "/nonexistent/ctguard.conf", keep_complaint),
		-ENOENT);
}

static void expect_refused(struct config *config, const char *sentence)
{
	struct text why = { 0 };

	assert_int_equal(config_check(config, &why), -EINVAL);
	assert_non_null(strstr(text_str(&why), sentence));
	text_free(&why);
}

static void what_makes_no_sense_together_is_refused(void **state)
{
	struct config config;
	struct text why = { 0 };

	config_init(&config);
	expect_refused(&config, "no service");
	assert_int_equal(config_add_service(&config, "udp/53", &why), 0);
	assert_int_equal(config_check(&config, &why), 0);
	assert_int_equal(config_set(&config, "release-at", "80%", &why), 0);
	expect_refused(&config, "release-at (80%) must be below engage-at (80%)");
	assert_int_equal(config_set(&config, "release-at", "50%", &why), 0);
	assert_int_equal(read_text("never = { \"udp/50-60\" }", &config), 0);
	expect_refused(&config, "\"udp/53\" is allowed and also under never");
	text_free(&why);
}

static void services_do_not_overlap(void **state)
{
	struct config config;
	struct text why = { 0 };

	config_init(&config);
	assert_int_equal(config_add_service(&config, "udp/53", &why), 0);
	assert_int_equal(config_add_service(&config, "udp/192.0.2.1:53", &why), -EINVAL);
	assert_int_equal(config_add_service(&config, "udp/50-60", &why), -EINVAL);
	assert_int_equal(config_add_service(&config, "out:udp/53", &why), 0);
	assert_int_equal(config_add_service(&config, "udp/1-9", &why), 0);
	assert_int_equal(config_add_service(&config, "tcp/53", &why), 0);
	assert_int_equal(config.count, 4);
	text_free(&why);
}

static void more_services_than_there_is_room_for_are_refused(void **state)
{
	struct config config;
	struct text why = { 0 };
	char spec[32];

	config_init(&config);
	for (int i = 1; i <= POLICY_SERVICES_MAX; i++) {
		snprintf(spec, sizeof(spec), "udp/%d", i);
		assert_int_equal(config_add_service(&config, spec, &why), 0);
	}
	assert_int_equal(config_add_service(&config, "tcp/1", &why), -EINVAL);
	text_free(&why);
}

/* With sanitizers it also fails if something is set of the one that is too many. */
static void a_file_with_more_services_than_there_is_room_for_is_refused(void **state)
{
	struct config config;
	struct text file = { 0 };

	config_init(&config);
	for (int i = 0; i <= POLICY_SERVICES_MAX; i++)
		text_add(&file, "service \"udp/%d\" { force = true }\n", i + 1);
	assert_int_equal(read_text(text_str(&file), &config), -EINVAL);
	assert_non_null(strstr(complaint, "more than"));
	assert_int_equal(config.count, 0);
	text_free(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_sets_everything),
		cmocka_unit_test(a_bad_value_is_told_with_its_line),
		cmocka_unit_test(an_error_leaves_the_configuration_as_it_was),
		cmocka_unit_test(a_missing_file_is_not_a_bad_one),
		cmocka_unit_test(what_makes_no_sense_together_is_refused),
		cmocka_unit_test(services_do_not_overlap),
		cmocka_unit_test(more_services_than_there_is_room_for_are_refused),
		cmocka_unit_test(
			a_file_with_more_services_than_there_is_room_for_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
