// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <ev.h>

#include "guard/control.h"
#include "guard/dispatch.h"
#include "guard/roll.h"
#include "guard/status.h"
#include "guard/ward.h"
#include "guard/wards.h"

/* In place of the wards: each answers its sentence, as done or as an error. */
static struct {
	const char *sentence;
	bool ok;
	unsigned asked;
} answers[WARDS_MAX];

static struct ward wards_there[16];
static struct wards wards;
static struct dispatch dispatch;
static unsigned broken, registered;

/* cppcheck-suppress constParameter ; as it is declared */
json_t *ward_answer(struct ward *ward, const json_t *request)
{
	size_t i = (size_t)(ward - wards_there);

	answers[i].asked++;
	return json_pack("{s:b, s:s}", "ok", answers[i].ok,
			 answers[i].ok ? "done" : "error", answers[i].sentence);
}

struct status_table ward_status(const struct ward *ward)
{
	return (struct status_table){ .netns = ward->name };
}

json_t *status_json(const struct status *status)
{
	return json_pack("{s:b, s:i, s:s}", "ok", 1, "count", (int)status->count, "last",
			 status->tables[status->count - 1].netns);
}

json_t *roll_register(struct roll *roll, struct control_peer *peer, const json_t *request)
{
	registered++;
	return NULL;
}

void ev_break(struct ev_loop *loop, int how)
{
	broken++;
}

/* So many wards, n0, n1 and so on, all of which do what they are told. */
static void have(size_t count)
{
	memset(answers, 0, sizeof(answers));
	wards = (struct wards){ .count = count };
	dispatch = (struct dispatch){ .wards = &wards };
	broken = registered = 0;
	for (size_t i = 0; i < count; i++) {
		wards.list[i] = &wards_there[i];
		snprintf(wards_there[i].name, sizeof(wards_there[i].name), "n%zu", i);
		answers[i].sentence = "yes";
		answers[i].ok = true;
	}
}

/* The answer's sentence to a request of that peer, and whether it is done. */
static bool ask_as(bool trusted, const char *request, char *sentence, size_t size)
{
	struct control_peer peer = { .trusted = trusted };
	json_t *object = json_loads(request, 0, NULL);
	json_t *answer = dispatch_answer(&dispatch, object, &peer);
	const char *text = json_string_value(json_object_get(answer, "done"));
	bool ok = json_is_true(json_object_get(answer, "ok"));

	if (!text)
		text = json_string_value(json_object_get(answer, "error"));
	snprintf(sentence, size, "%s", text ? text : "");
	json_decref(answer);
	json_decref(object);
	return ok;
}

static void expect(bool ok, const char *request, const char *sentence)
{
	char got[1000];

	assert_int_equal(ask_as(true, request, got, sizeof(got)), ok);
	assert_string_equal(got, sentence);
}

static void what_is_no_command_is_refused(void **state)
{
	have(1);
	expect(false, "{}", "no command");
	expect(false, "{\"command\":7}", "no command");
	expect(false, "{\"command\":\"fly\"}", "unknown command");
	assert_int_equal(answers[0].asked, 0);
}

static void who_is_not_trusted_may_ask_and_register_but_not_order(void **state)
{
	static const char *const ORDERS[] = { "pause", "resume", "release", "reload",
					      "stop" };
	char text[100], request[100];

	have(1);
	for (size_t i = 0; i < sizeof(ORDERS) / sizeof(ORDERS[0]); i++) {
		snprintf(request, sizeof(request), "{\"command\":\"%s\"}", ORDERS[i]);
		assert_false(ask_as(false, request, text, sizeof(text)));
		assert_string_equal(text,
				    "only root and the guard's own user may order that");
	}
	assert_int_equal(answers[0].asked + broken, 0);
	assert_true(ask_as(false, "{\"command\":\"status\"}", text, sizeof(text)));
	ask_as(false, "{\"command\":\"register\"}", text, sizeof(text));
	assert_int_equal(registered, 1);
}

static void what_all_say_is_said_once(void **state)
{
	have(3);
	expect(true, "{\"command\":\"pause\"}", "yes");
	assert_int_equal(answers[0].asked + answers[1].asked + answers[2].asked, 3);
}

static void what_some_say_has_their_names_and_what_is_done_comes_first(void **state)
{
	have(4);
	answers[0].ok = answers[3].ok = false;
	answers[0].sentence = answers[3].sentence = "no";
	expect(true, "{\"command\":\"release\"}", "yes (n1, n2); no (n0, n3)");
	answers[1].ok = answers[2].ok = false;
	answers[1].sentence = answers[2].sentence = "no";
	expect(false, "{\"command\":\"release\"}", "no");
}

static void of_many_names_only_some_are_told(void **state)
{
	have(12);
	answers[11].sentence = "well";
	expect(true, "{\"command\":\"release\"}",
	       "yes (n0, n1, n2, n3, n4, n5, n6, n7 and 3 more); well (n11)");
}

static void a_pause_of_all_is_for_those_who_come_later_too(void **state)
{
	have(2);
	expect(true, "{\"command\":\"pause\"}", "yes");
	assert_true(wards.paused);
	expect(true, "{\"command\":\"release\"}", "yes");
	assert_true(wards.paused);
	expect(true, "{\"command\":\"resume\"}", "yes");
	assert_false(wards.paused);
	expect(true, "{\"command\":\"pause\",\"netns\":\"n1\"}", "yes");
	assert_false(wards.paused);
}

static void an_order_for_one_is_brought_to_no_other(void **state)
{
	have(3);
	expect(true, "{\"command\":\"pause\",\"netns\":\"n1\"}", "yes");
	assert_int_equal(answers[1].asked, 1);
	assert_int_equal(answers[0].asked + answers[2].asked, 0);
	expect(false, "{\"command\":\"pause\",\"netns\":\"n\"}",
	       "\"n\" is no network namespace that is guarded");
}

static int check_err;

static int check(void *data, char *why, size_t size)
{
	snprintf(why, size, "line 3 is wrong");
	return check_err;
}

static void a_reload_is_wished_for_only_of_a_good_file(void **state)
{
	have(1);
	expect(false, "{\"command\":\"reload\"}",
	       "there is no configuration file to read again");
	dispatch.check = check;
	check_err = -EINVAL;
	expect(false, "{\"command\":\"reload\"}", "line 3 is wrong");
	assert_int_equal(broken, 0);
	check_err = 0;
	expect(true, "{\"command\":\"reload\"}", "the configuration is read again");
	assert_int_equal(dispatch.wish, DISPATCH_RELOAD);
	assert_int_equal(broken, 1);
}

static void stop_ends_the_loop(void **state)
{
	have(1);
	expect(true, "{\"command\":\"stop\"}", "ends, and takes its rules away");
	assert_int_equal(dispatch.wish, DISPATCH_STOP);
	assert_int_equal(broken, 1);
}

static void the_status_has_all_wards(void **state)
{
	static struct status status;

	have(3);
	dispatch.started_ns = 77;
	dispatch_status(&dispatch, &status);
	assert_int_equal(status.count, 3);
	assert_int_equal(status.started_ns, 77);
	assert_string_equal(status.tables[2].netns, "n2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_command_is_refused),
		cmocka_unit_test(who_is_not_trusted_may_ask_and_register_but_not_order),
		cmocka_unit_test(what_all_say_is_said_once),
		cmocka_unit_test(
			what_some_say_has_their_names_and_what_is_done_comes_first),
		cmocka_unit_test(of_many_names_only_some_are_told),
		cmocka_unit_test(a_pause_of_all_is_for_those_who_come_later_too),
		cmocka_unit_test(an_order_for_one_is_brought_to_no_other),
		cmocka_unit_test(a_reload_is_wished_for_only_of_a_good_file),
		cmocka_unit_test(stop_ends_the_loop),
		cmocka_unit_test(the_status_has_all_wards),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
