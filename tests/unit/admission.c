// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/admission.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "guard/config.h"
#include "guard/roll.h"
#include "lib/args.h"
#include "lib/text.h"

enum { NETNS = 4, STRANGER = 54321 };

static struct config config;
static struct text text;

static struct service service(const char *spec)
{
	struct args_why why;
	struct service made;

	assert_int_equal(service_parse(spec, &made, &why), 0);
	return made;
}

static int begin(void **state)
{
	text_free(&text);
	config_init(&config);
	return 0;
}

static void allow(const char *spec, const char *user)
{
	assert_int_equal(config_add_admission(&config, spec, &text), 0);
	if (user)
		assert_int_equal(
			config_admit_user(&config.admissions[config.admission_count - 1],
					  user, &text),
			0);
}

static bool admits(const char *spec, uid_t user)
{
	const struct service wanted = service(spec);
	struct text why = { 0 };
	int err = config_admits(&config, &wanted, user, &why);

	/* There is always a reason. */
	assert_int_equal(err != 0, why.length > 0);
	text_free(&why);
	return err == 0;
}

static void nothing_is_registered_that_nobody_allowed(void **state)
{
	assert_false(admits("udp/9000", 0));
	allow("udp/9000-9010", NULL);
	assert_true(admits("udp/9000", 0));
	assert_true(admits("udp/9003-9005", geteuid()));
	assert_true(admits("udp/192.0.2.1:9000", 0));
	assert_false(admits("udp/9011", 0));
	assert_false(admits("udp/9005-9011", 0));
	assert_false(admits("tcp/9000", 0));
	assert_false(admits("udp/9000", STRANGER));
}

static void an_address_allows_only_itself(void **state)
{
	allow("udp/192.0.2.1:1-65535", NULL);
	assert_true(admits("udp/192.0.2.1:9000", 0));
	assert_false(admits("udp/192.0.2.2:9000", 0));
	assert_false(admits("udp/9000", 0));
}

static void users_who_are_named_may_and_no_others(void **state)
{
	allow("udp/9000", "54321");
	assert_true(admits("udp/9000", STRANGER));
	assert_false(admits("udp/9000", STRANGER + 1));
	assert_int_equal(config_admit_user(&config.admissions[0], "no-such-user", &text),
			 -22);
	assert_non_null(strstr(text_str(&text), "no-such-user"));
}

static void never_wins_and_so_does_what_is_configured_otherwise(void **state)
{
	allow("udp/1-65535", NULL);
	assert_int_equal(config_add_never(&config, "udp/53", &text), 0);
	assert_int_equal(config_add_service(&config, "udp/9000-9010", &text), 0);
	assert_false(admits("udp/53", 0));
	assert_false(admits("udp/50-60", 0));
	assert_false(admits("udp/9000", 0));
	assert_true(admits("udp/9000-9010", 0));
}

static struct enrolment of(const char *first, const char *second)
{
	struct enrolment made = { .program = "p", .netns = NETNS, .count = 1 };

	made.services[0] = service(first);
	if (second)
		made.services[made.count++] = service(second);
	return made;
}

static void some_may_and_others_not_and_each_gets_its_reason(void **state)
{
	const struct roll_service there[] = {
		{ .netns = NETNS, .service = service("udp/9001-9002") },
		{ .netns = NETNS + 1, .service = service("udp/9003-9005") },
	};
	struct enrolment wanted = of("udp/9001", "udp/9003"), admitted;
	json_t *refused = json_array();

	allow("udp/9000-9010", NULL);
	admitted = admission_select(&config, there, 2, 0, &wanted, refused);
	assert_int_equal(admitted.count, 1);
	assert_true(service_equal(&admitted.services[0], &wanted.services[1]));
	assert_int_equal(json_array_size(refused), 1);
	assert_non_null(strstr(
		json_string_value(json_object_get(json_array_get(refused, 0), "why")),
		"another program"));
	json_decref(refused);
}

static void there_is_a_most_of_services_but_not_of_the_same(void **state)
{
	struct roll_service there[ROLL_SERVICES_MAX];
	struct enrolment wanted = of("udp/9000", "udp/8000"), admitted;
	json_t *refused = json_array();

	allow("udp/1-65535", NULL);
	for (unsigned i = 0; i < ROLL_SERVICES_MAX; i++) {
		there[i] = (struct roll_service){ .netns = NETNS,
						  .service = service("udp/9000") };
		there[i].service.first_port = there[i].service.last_port =
			(uint16_t)(9000 + i);
	}
	admitted =
		admission_select(&config, there, ROLL_SERVICES_MAX, 0, &wanted, refused);
	assert_int_equal(admitted.count, 1);
	assert_int_equal(admitted.services[0].first_port, 9000);
	assert_int_equal(json_array_size(refused), 1);
	json_decref(refused);
}

static void what_is_registered_is_never_forced(void **state)
{
	const struct service wanted = service("udp/9000");

	config.force = true;
	assert_int_equal(config_add_service(&config, "udp/53", &text), 0);
	assert_int_equal(config_add_registered(&config, &wanted, false), 0);
	assert_int_equal(config_add_registered(&config, &wanted, false), -22);
	assert_true(config_forces(&config, 0));
	assert_false(config_forces(&config, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_is_registered_that_nobody_allowed,
						begin, begin),
		cmocka_unit_test_setup_teardown(an_address_allows_only_itself, begin,
						begin),
		cmocka_unit_test_setup_teardown(users_who_are_named_may_and_no_others,
						begin, begin),
		cmocka_unit_test_setup_teardown(
			never_wins_and_so_does_what_is_configured_otherwise, begin,
			begin),
		cmocka_unit_test_setup_teardown(
			some_may_and_others_not_and_each_gets_its_reason, begin, begin),
		cmocka_unit_test_setup_teardown(
			there_is_a_most_of_services_but_not_of_the_same, begin, begin),
		cmocka_unit_test_setup_teardown(what_is_registered_is_never_forced, begin,
						begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
