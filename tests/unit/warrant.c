// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "guard/chores.h"
#include "guard/config.h"
#include "guard/journal.h"
#include "guard/lease.h"
#include "guard/lookout.h"
#include "guard/policy.h"
#include "guard/remedy.h"
#include "guard/trouble.h"
#include "guard/vetting.h"
#include "guard/warrant.h"
#include "lib/clock.h"

/* In place of the audit: what is known of two services, and what the next audit finds. */
struct vetting {
	enum vetting_verdict now[2], next[2];
	bool news[2], wants_look[2];
	bool current;
	int err;
	unsigned updates;
	bool slow;
	int kept; /* what vetting_keep() was told; -1: it was not called */
	int look_err;
	unsigned looks; /* that it was told of */
	unsigned shared;
};
struct leases {
	bool engaged[2], bounded[2], held[2];
	unsigned armed;
};
struct lookout {
	struct policy_view view;
	bool unsafe[2];
};

static struct vetting vetting;
static struct leases leases;
static struct lookout lookout;
static struct config config;
static struct remedy remedy;
static struct trouble trouble;
static char given_back[64], told[512];
static unsigned applied;
static unsigned asked;
static bool busy;  /* no chore can be asked for */
static bool waits; /* the same was asked for, and has not been begun */

int vetting_update(struct vetting *v)
{
	uint64_t begun_ns = clock_spent_ns();

	while (v->slow && clock_between_s(begun_ns, clock_spent_ns()) < 0.05)
		;
	v->updates++;
	if (v->err)
		return v->err;
	for (size_t i = 0; i < 2; i++) {
		v->news[i] = v->now[i] != v->next[i];
		v->now[i] = v->next[i];
	}
	v->current = true;
	return 0;
}

bool vetting_knows(const struct vetting *v, size_t i)
{
	return v->current;
}

int vetting_update_one(struct vetting *v, size_t i)
{
	return vetting_update(v);
}

bool vetting_wants_look(struct vetting *v, size_t i)
{
	return v->wants_look[i];
}

void vetting_note_look(struct vetting *v, const struct service *service,
		       unsigned translated, int err)
{
	v->look_err = err;
	v->looks++;
}

void vetting_share_look(struct vetting *v, size_t i)
{
	v->shared++;
}

bool vetting_take_news(struct vetting *v, size_t i)
{
	return v->news[i];
}

void vetting_keep(struct vetting *v, bool before)
{
	v->kept = before;
}

bool vetting_is_current(struct vetting *v)
{
	return v->current;
}

enum vetting_verdict vetting_verdict(const struct vetting *v, size_t i)
{
	return v->now[i];
}

struct midstream vetting_midstream(const struct vetting *v, size_t i)
{
	return (struct midstream){ 0 };
}

bool vetting_allows(const struct vetting *v, size_t i)
{
	return v->now[i] == VETTING_SAFE || v->now[i] == VETTING_FORCED;
}

bool vetting_condemns(const struct vetting *v, size_t i)
{
	return v->now[i] == VETTING_UNSAFE || v->now[i] == VETTING_UNKNOWN;
}

const char *vetting_why(const struct vetting *v, size_t i)
{
	return "because";
}

const struct policy_view *lookout_view(const struct lookout *l)
{
	return &l->view;
}

void lookout_note_unsafe(struct lookout *l, size_t i, bool unsafe)
{
	l->view.services[i].unsafe = unsafe;
}

void lookout_note_midstream(struct lookout *l, size_t i, struct midstream midstream)
{
}

bool leases_engaged(const struct leases *l, size_t i)
{
	return l->engaged[i];
}

bool leases_bounded(const struct leases *l, size_t i)
{
	return l->bounded[i];
}

bool leases_held(const struct leases *l, size_t i)
{
	return l->held[i];
}

int leases_arm(struct leases *l, struct apply_why *why)
{
	l->armed++;
	return 0;
}

int remedy_give_back(struct remedy *r, size_t i, const char *cause, struct apply_why *why)
{
	size_t length = strlen(given_back);

	snprintf(given_back + length, sizeof(given_back) - length, "%zu ", i);
	return 0;
}

void remedy_apply(struct remedy *r, const struct policy_decision *decision)
{
	applied++;
}

bool chores_ask(struct chores *chores, const struct chore *chore)
{
	asked += !busy;
	return !busy;
}

bool chores_waits(struct chores *chores, const struct chore *chore)
{
	return waits;
}

void journal_about(struct journal *journal, const char *event, const char *service,
		   const char *text)
{
	size_t length = strlen(told);

	assert_string_equal(event, "verdict");
	snprintf(told + length, sizeof(told) - length, "%s\n", text);
}

void trouble_note(struct trouble *t, const char *what, int err)
{
	t->count++;
}

static struct warrant warrant = {
	.vetting = &vetting,
	.lookout = &lookout,
	.leases = &leases,
	.remedy = &remedy,
	.trouble = &trouble,
};

/* Both services are safe, are known to be, and the ruleset is the one that was judged. */
static int begin(void **state)
{
	vetting = (struct vetting){ .current = true, .kept = -1 };
	leases = (struct leases){ 0 };
	lookout = (struct lookout){ .view = { .count = 2,
					      .services = { { .name = "udp/1" },
							    { .name = "udp/2" } } } };
	remedy = (struct remedy){ .config = &config };
	trouble = (struct trouble){ 0 };
	warrant.guarded = NULL;
	warrant.review = warrant.decision = (struct respite){ 0 };
	given_back[0] = told[0] = '\0';
	applied = 0;
	busy = waits = false;
	asked = 0;
	return 0;
}

static void decide(enum policy_action action, size_t service)
{
	const struct policy_decision decision = { .action = action, .service = service };

	warrant_apply(&warrant, &decision);
}

static void what_becomes_unsafe_is_told_and_given_back(void **state)
{
	leases.engaged[0] = leases.engaged[1] = true;
	vetting.next[1] = VETTING_UNSAFE;
	warrant_review(&warrant);
	assert_string_equal(given_back, "1 ");
	assert_string_equal(
		told, "udp/2 stays tracked, it is unsafe to take it out: because\n");
	assert_true(lookout.view.services[1].unsafe);
	assert_false(lookout.view.services[0].unsafe);
}

static void what_is_not_out_or_is_held_by_others_is_not_given_back(void **state)
{
	vetting.next[0] = vetting.next[1] = VETTING_UNKNOWN;
	leases.engaged[1] = leases.held[1] = true;
	warrant_review(&warrant);
	assert_string_equal(given_back, "");
	assert_non_null(strstr(told, "it cannot be told whether it is safe"));
}

/* After a rest. */
static void review_again(void)
{
	warrant.review = (struct respite){ 0 };
	warrant_review(&warrant);
}

static void a_budget_goes_with_its_warrant_and_comes_with_it(void **state)
{
	leases.bounded[0] = true;
	vetting.next[0] = VETTING_UNSAFE;
	review_again();
	assert_string_equal(given_back, "0 ");
	assert_int_equal(leases.armed, 0);
	vetting.next[0] = VETTING_SAFE;
	review_again();
	assert_int_equal(leases.armed, 1);
}

static void safe_from_the_start_is_no_news_safe_again_is(void **state)
{
	vetting.now[0] = VETTING_UNKNOWN;
	review_again();
	assert_string_equal(told, "");
	vetting.next[0] = VETTING_UNSAFE;
	review_again();
	told[0] = '\0';
	vetting.next[0] = VETTING_SAFE;
	review_again();
	assert_string_equal(told, "udp/1 is safe to take out again\n");
}

static void what_was_not_judged_yet_is_not_taken_out_and_stays_out(void **state)
{
	vetting.now[0] = vetting.next[0] = VETTING_PENDING;
	leases.engaged[0] = true;
	warrant_review(&warrant);
	assert_string_equal(given_back, "");
	assert_true(lookout.view.services[0].unsafe);
	decide(POLICY_ENGAGE, 0);
	assert_int_equal(applied, 0);
}

/* An audit takes 50 ms, and the rest four times that for each of as many as share the loop: for long. */
static const size_t MANY = 200;

static void after_an_audit_that_took_long_there_is_none_for_a_while(void **state)
{
	vetting.slow = true;
	warrant.guarded = &MANY;
	warrant_review(&warrant);
	vetting.next[0] = VETTING_UNSAFE;
	warrant_review(&warrant);
	assert_int_equal(vetting.updates, 1);
	/* But who is to be taken out is judged. */
	vetting.current = false;
	decide(POLICY_ENGAGE, 0);
	assert_int_equal(vetting.updates, 2);
	assert_int_equal(applied, 0);
}

static void decisions_do_not_have_it_audit_without_a_rest_either(void **state)
{
	vetting.slow = true;
	warrant.guarded = &MANY;
	vetting.current = false;
	decide(POLICY_ENGAGE, 0);
	assert_int_equal(applied, 1);
	vetting.current = false;
	decide(POLICY_ENGAGE, 0);
	assert_int_equal(vetting.updates, 1);
	assert_int_equal(applied, 1);
	/* What goes back needs none, and what is forced does not either. */
	decide(POLICY_RELEASE, 0);
	assert_int_equal(applied, 2);
	vetting.now[0] = VETTING_FORCED;
	decide(POLICY_ENGAGE, 0);
	assert_int_equal(applied, 3);
	assert_int_equal(vetting.updates, 1);
}

static void a_look_that_nobody_can_take_has_failed(void **state)
{
	vetting.wants_look[0] = true;
	warrant_ask_for_looks(&warrant);
	assert_int_equal(asked, 1);
	assert_int_equal(vetting.looks, 0);
	busy = true;
	warrant_ask_for_looks(&warrant);
	assert_int_equal(vetting.look_err, -EAGAIN);
}

static void a_look_that_waits_serves_for_all(void **state)
{
	vetting.wants_look[0] = waits = true;
	warrant_ask_for_looks(&warrant);
	assert_int_equal(asked, 0);
	assert_int_equal(vetting.looks, 0);
	assert_int_equal(vetting.shared, 1);
}

static void what_cannot_be_audited_is_trouble(void **state)
{
	vetting.err = -ENOBUFS;
	warrant_review(&warrant);
	assert_int_equal(trouble.count, 1);
}

static void a_ruleset_that_was_judged_is_not_judged_again(void **state)
{
	decide(POLICY_ENGAGE, 0);
	assert_int_equal(vetting.updates, 0);
	assert_int_equal(applied, 1);
	/* The change was its own. */
	assert_int_equal(vetting.kept, true);
}

static void on_a_ruleset_that_changed_nothing_is_done_before_it_is_judged(void **state)
{
	vetting.current = false;
	vetting.next[0] = VETTING_UNSAFE;
	decide(POLICY_ENGAGE, 0);
	assert_int_equal(vetting.updates, 1);
	assert_int_equal(applied, 0);
	decide(POLICY_ENGAGE, 1);
	assert_int_equal(applied, 1);
}

static void what_is_not_safe_may_still_be_released(void **state)
{
	vetting.now[0] = vetting.next[0] = VETTING_UNSAFE;
	decide(POLICY_RELEASE, 0);
	assert_int_equal(applied, 1);
}

static void of_a_ruleset_that_cannot_be_judged_none_is_kept(void **state)
{
	vetting.current = false;
	vetting.err = -ENOBUFS;
	decide(POLICY_ENGAGE, 0);
	/* What was known counts, for a while: see vetting.h. */
	assert_int_equal(applied, 1);
	assert_int_equal(vetting.kept, false);
}

static void what_changes_no_rules_needs_no_warrant(void **state)
{
	vetting.current = false;
	decide(POLICY_HELPLESS, 0);
	decide(POLICY_REST, 0);
	decide(POLICY_PURGE, 0);
	assert_int_equal(applied, 3);
	assert_int_equal(vetting.updates, 0);
	assert_int_equal(vetting.kept, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define WARRANT_TEST(name) cmocka_unit_test_setup(name, begin)
		WARRANT_TEST(what_becomes_unsafe_is_told_and_given_back),
		WARRANT_TEST(what_is_not_out_or_is_held_by_others_is_not_given_back),
		WARRANT_TEST(a_budget_goes_with_its_warrant_and_comes_with_it),
		WARRANT_TEST(safe_from_the_start_is_no_news_safe_again_is),
		WARRANT_TEST(what_was_not_judged_yet_is_not_taken_out_and_stays_out),
		WARRANT_TEST(after_an_audit_that_took_long_there_is_none_for_a_while),
		WARRANT_TEST(decisions_do_not_have_it_audit_without_a_rest_either),
		WARRANT_TEST(a_look_that_nobody_can_take_has_failed),
		WARRANT_TEST(a_look_that_waits_serves_for_all),
		WARRANT_TEST(what_cannot_be_audited_is_trouble),
		WARRANT_TEST(a_ruleset_that_was_judged_is_not_judged_again),
		WARRANT_TEST(
			on_a_ruleset_that_changed_nothing_is_done_before_it_is_judged),
		WARRANT_TEST(what_is_not_safe_may_still_be_released),
		WARRANT_TEST(of_a_ruleset_that_cannot_be_judged_none_is_kept),
		WARRANT_TEST(what_changes_no_rules_needs_no_warrant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
