// SPDX-License-Identifier: GPL-2.0-or-later
/* What may be ordered of a guard in a namespace. What carries it out is this file's. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "guard/config.h"
#include "guard/journal.h"
#include "guard/lease.h"
#include "guard/lookout.h"
#include "guard/orders.h"
#include "guard/policy.h"
#include "guard/remedy.h"
#include "guard/trouble.h"
#include "guard/vetting.h"
#include "lib/text.h"

static struct {
	struct policy_view view;
	bool engaged, held;
	bool current; /* the ruleset is the one that was audited */
	int kept_as;  /* what vetting_keep() was told; -1: it was not called */
	int give_err;
	char given[200]; /* the cause */
	char told[100];  /* the events */
	unsigned armed;
} world;

const struct policy_view *lookout_view(const struct lookout *lookout)
{
	return &world.view;
}

bool leases_engaged(const struct leases *leases, size_t i)
{
	return world.engaged;
}

bool leases_held(const struct leases *leases, size_t i)
{
	return world.held;
}

int leases_arm(struct leases *leases, struct apply_why *why)
{
	world.armed++;
	return 0;
}

bool vetting_is_current(struct vetting *vetting)
{
	return world.current;
}

void vetting_keep(struct vetting *vetting, bool before)
{
	world.kept_as = before;
}

int remedy_give_back(struct remedy *remedy, size_t i, const char *cause,
		     struct apply_why *why)
{
	snprintf(world.given, sizeof(world.given), "%s", cause);
	snprintf(why->text, sizeof(why->text), "the kernel did not want to");
	/* Its own change moves the ruleset. */
	world.current = false;
	return world.give_err;
}

void journal_note(struct journal *journal, const char *event, const char *text)
{
	snprintf(world.told + strlen(world.told), sizeof(world.told) - strlen(world.told),
		 "%s ", event);
}

void trouble_note(struct trouble *trouble, const char *what, int err)
{
}

static struct config config;
static struct remedy remedy;
static struct orders orders = { .config = &config, .remedy = &remedy };

static int begin(void **state)
{
	struct text why = { 0 };

	memset(&world, 0, sizeof(world));
	world.kept_as = -1;
	world.current = world.engaged = true;
	world.view.count = 1;
	remedy = (struct remedy){ 0 };
	config_init(&config);
	return config_add_service(&config, "tcp/8080", &why);
}

/* Whether it is done, and the sentence. */
static void expect(bool ok, const char *request, const char *sentence)
{
	json_t *object = json_loads(request, 0, NULL);
	json_t *answer = orders_answer(&orders, object);
	const char *key = ok ? "done" : "error";

	assert_int_equal(json_is_true(json_object_get(answer, "ok")), ok);
	assert_string_equal(json_string_value(json_object_get(answer, key)), sentence);
	json_decref(answer);
	json_decref(object);
}

#define RELEASE     "{\"command\":\"release\",\"service\":\"tcp/8080\"}"
#define RELEASE_NOW "{\"command\":\"release\",\"service\":\"tcp/8080\",\"now\":true}"

static void a_release_keeps_the_audit_as_it_was(void **state)
{
	expect(true, RELEASE,
	       "given back; if the table fills again it is taken out again");
	assert_string_equal(world.given, "by order");
	assert_int_equal(world.kept_as, true);
	/* What somebody else changed before is not covered. */
	expect(true, RELEASE,
	       "given back; if the table fills again it is taken out again");
	assert_int_equal(world.kept_as, false);
}

static void that_what_comes_back_does_not_fit_is_told(void **state)
{
	world.view.limit = 1000;
	world.view.entries = 300;
	world.view.services[0].returning = 200;
	expect(true, RELEASE,
	       "given back; if the table fills again it is taken out again");
	world.view.services[0].returning = 201;
	expect(true, RELEASE,
	       "given back; about 201 entries come back to 300, which does not fit under "
	       "50 % of 1000: it may be taken out again soon");
}

static void what_cannot_be_given_back_is_told(void **state)
{
	world.give_err = -EPERM;
	expect(false, RELEASE, "the kernel did not want to");
}

static void connections_are_cut_off_only_if_that_is_wanted(void **state)
{
	world.view.services[0].fragile = true;
	world.view.services[0].connections = 3;
	expect(false, RELEASE,
	       "3 open connections would be cut off, which cannot be tracked again: it "
	       "comes back when they are gone, or by release --now");
	assert_string_equal(world.given, "");
	assert_int_equal(world.kept_as, -1);
	expect(true, RELEASE_NOW,
	       "given back; 3 open connections cannot be tracked again");
	assert_string_equal(world.given,
			    "by order; 3 open connections cannot be tracked again");
	assert_int_equal(world.kept_as, true);
	world.view.services[0].connections = 1;
	expect(true, RELEASE_NOW,
	       "given back; 1 open connection cannot be tracked again");
	world.view.services[0].connections = INFINITY;
	expect(true, RELEASE_NOW,
	       "given back; open connections, nobody knows how many, cannot be tracked "
	       "again");
}

static void only_what_the_guard_has_taken_out_is_released(void **state)
{
	expect(false, "{\"command\":\"release\"}", "release: which service?");
	expect(false, "{\"command\":\"release\",\"service\":\"tcp/8081\"}",
	       "\"tcp/8081\" is not a service that this guard may take out");
	world.held = true;
	expect(false, RELEASE,
	       "a rule that is not the guard's keeps it out: ctrules delete takes that "
	       "away");
	world.engaged = false;
	expect(false, RELEASE, "it is not out of tracking");
	assert_string_equal(world.given, "");
}

static void a_pause_lasts_until_resume(void **state)
{
	expect(true, "{\"command\":\"resume\"}", "was not paused");
	expect(true, "{\"command\":\"pause\"}",
	       "paused: what is out of tracking stays out, nothing more is decided");
	assert_true(remedy.paused);
	expect(true, "{\"command\":\"pause\"}", "was paused already");
	expect(true, "{\"command\":\"resume\"}", "resumed");
	assert_false(remedy.paused);
	assert_string_equal(world.told, "pause resume ");
}

static void to_resume_ends_a_standing_down_and_arms_budgets_again(void **state)
{
	remedy.standing_down = true;
	expect(true, "{\"command\":\"resume\"}", "resumed");
	assert_false(remedy.standing_down);
	assert_int_equal(world.armed, 1);
}

static void what_is_no_order_is_refused(void **state)
{
	expect(false, "{\"command\":\"fly\"}", "unknown command");
	expect(false, "{}", "unknown command");
	expect(false, "{\"command\":7}", "unknown command");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define ORDERS_TEST(name) cmocka_unit_test_setup(name, begin)
		ORDERS_TEST(a_release_keeps_the_audit_as_it_was),
		ORDERS_TEST(that_what_comes_back_does_not_fit_is_told),
		ORDERS_TEST(what_cannot_be_given_back_is_told),
		ORDERS_TEST(connections_are_cut_off_only_if_that_is_wanted),
		ORDERS_TEST(only_what_the_guard_has_taken_out_is_released),
		ORDERS_TEST(a_pause_lasts_until_resume),
		ORDERS_TEST(to_resume_ends_a_standing_down_and_arms_budgets_again),
		ORDERS_TEST(what_is_no_order_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
