// SPDX-License-Identifier: GPL-2.0-or-later
/* The examination of one network namespace, from what is seen to what is printed. */
#include "tests/unit/sandbox.h"

#include <jansson.h>

#include "guard/checkup.h"
#include "guard/config.h"
#include "guard/symptoms.h"
#include "lib/log.h"
#include "lib/text.h"

static const struct log SILENT = { .program = "test", .level = LOG_LEVEL_NONE };
static struct config config;
static struct symptoms known;

static int begin(void **state)
{
	struct text why = { 0 };

	sandbox_setup(state);
	config_init(&config);
	known = (struct symptoms){ 0 };
	return config_add_service(&config, "udp/9000", &why);
}

static json_t *examined(void)
{
	struct text why = { 0 };
	json_t *out = NULL;

	assert_int_equal(checkup_run(&config, &known, &SILENT, &out, &why), 0);
	assert_int_equal(why.length, 0);
	return out;
}

/* Whether something of that code was found. */
static bool found(const json_t *out, const char *code)
{
	json_t *findings = json_object_get(out, "findings");
	bool any = false;
	json_t *one;
	size_t i;

	assert_true(json_is_array(findings));
	json_array_foreach(findings, i, one) {
		const char *text = json_string_value(json_object_get(one, "code"));

		any = any || (text && strcmp(text, code) == 0);
	}
	return any;
}

static void what_is_found_is_an_object_as_doctor_prints_it(void **state)
{
	json_t *out;

	sandbox_needed(state);
	out = examined();
	assert_string_equal(json_string_value(json_object_get(
				    json_object_get(out, "metainfo"), "program")),
			    "ctguard");
	assert_true(json_array_size(json_object_get(out, "findings")) > 0);
	assert_true(json_is_integer(json_object_get(out, "problems")));
	/* There is but one namespace, which needs no name. */
	assert_null(json_object_get(json_array_get(json_object_get(out, "findings"), 0),
				    "netns"));
	json_decref(out);
}

static void what_is_known_of_the_configuration_is_judged_too(void **state)
{
	json_t *out;

	sandbox_needed(state);
	out = examined();
	assert_false(found(out, "config"));
	json_decref(out);
	known.config_asked = true;
	snprintf(known.config_problem, sizeof(known.config_problem), "file:3: wrong");
	out = examined();
	assert_true(found(out, "config"));
	json_decref(out);
}

/* In a process of its own: what is given up does not come back. */
static int examine_without_privilege(void)
{
	struct text why = { 0 };
	json_t *out = NULL;
	int err;

	if (setresuid(65534, 65534, 65534) != 0)
		return 2;
	err = checkup_run(&config, &known, &SILENT, &out, &why);
	return err == -EPERM && !out && strstr(text_str(&why), "no CAP_NET_ADMIN") ? 0
										   : 1;
}

static void without_privilege_the_reason_is_told(void **state)
{
	int status;
	pid_t pid;

	sandbox_needed(state);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(examine_without_privilege());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 2)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CHECKUP_TEST(name) cmocka_unit_test_setup(name, begin)
		CHECKUP_TEST(what_is_found_is_an_object_as_doctor_prints_it),
		CHECKUP_TEST(what_is_known_of_the_configuration_is_judged_too),
		CHECKUP_TEST(without_privilege_the_reason_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
