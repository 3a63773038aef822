// SPDX-License-Identifier: GPL-2.0-or-later
/* What is done again and again, and in which order. Those who do it are this file's. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "guard/rounds.c"

static struct {
	char done[1000]; /* what was done, in words */
	struct policy_view view;
	double next_s, look_takes_s;
	bool current, any, moved, refresh_fails, still;
	double still_within_s;
	uint32_t known_generation; /* to the leases; the ruleset is of generation 7 */
	int generation_err;
	uint64_t now_ns;
	bool kept_as;
	struct custody_report report;
} world;

static void did(const char *what)
{
	size_t length = strlen(world.done);

	snprintf(world.done + length, sizeof(world.done) - length, "%s ", what);
}

uint64_t clock_now_ns(void)
{
	return world.now_ns;
}

double clock_between_s(uint64_t from_ns, uint64_t to_ns)
{
	return ((double)to_ns - (double)from_ns) / 1e9;
}

const struct policy_view *lookout_view(const struct lookout *lookout)
{
	return &world.view;
}

double lookout_next_s(const struct lookout *lookout)
{
	return world.next_s;
}

bool lookout_is_still(struct lookout *lookout, double within_s)
{
	world.still_within_s = within_s;
	return world.still;
}

int lookout_decide(struct lookout *lookout, struct policy_decision *out)
{
	did("look");
	world.now_ns += (uint64_t)(world.look_takes_s * 1e9);
	*out = (struct policy_decision){ .action = POLICY_REST };
	return 0;
}

void warrant_apply(struct warrant *warrant, const struct policy_decision *decision)
{
	did("apply");
}

void warrant_review(struct warrant *warrant)
{
	did("audit");
	world.current = true;
}

void warrant_ask_for_looks(const struct warrant *warrant)
{
	did("ask");
}

bool vetting_is_current(struct vetting *vetting)
{
	return world.current;
}

bool vetting_is_of(const struct vetting *vetting, uint32_t generation)
{
	assert_int_equal(generation, 7);
	return world.current;
}

int ruleset_generation(struct nl *nl, uint32_t *out)
{
	if (!world.generation_err)
		*out = 7;
	return world.generation_err;
}

uint32_t leases_generation(const struct leases *leases)
{
	return world.known_generation;
}

void vetting_keep(struct vetting *vetting, bool before)
{
	did("keep");
	world.kept_as = before;
}

int leases_meet(struct leases *leases, uint64_t now_ns, leases_met_cb *met, void *data)
{
	did("meet");
	return 0;
}

int leases_refresh(struct leases *leases, struct apply_why *why)
{
	did("refresh");
	snprintf(why->text, sizeof(why->text), "because");
	return world.refresh_fails ? -EPERM : 0;
}

bool leases_any(const struct leases *leases)
{
	return world.any;
}

int custody_moved(const struct custody *custody, bool *out)
{
	*out = world.moved;
	return 0;
}

int custody_check(struct custody *custody, uint64_t now_ns, struct custody_report *out)
{
	did("inspect");
	*out = world.report;
	return 0;
}

void outcome_count(struct remedy *remedy)
{
	did("count");
}

void remedy_stand_down(struct remedy *remedy)
{
	did("stand-down");
}

void remedy_restore(struct remedy *remedy, size_t i)
{
	did(i == 0 ? "restore-0" : "restore-1");
}

void journal_about(struct journal *journal, const char *event, const char *service,
		   const char *text)
{
	did(event);
	did(service);
	did(text);
}

void log_warn(const struct log *log, const char *fmt, ...)
{
	did("warn");
}

static const struct config CONFIG = { .policy.engage_at = 0.5 };
static struct remedy remedy = { .config = &CONFIG };
static struct rounds ward_rounds;

/* A table of 2000, whose mark is at 1000, and rules that were judged; all is calm. */
static int begin(void **state)
{
	memset(&world, 0, sizeof(world));
	world.view = (struct policy_view){ .limit = 2000,
					   .count = 2,
					   .services = { { .name = "udp/1" },
							 { .name = "udp/2" } } };
	world.now_ns = 100000000000;
	world.next_s = 1;
	world.current = true;
	remedy.deeds = (struct deeds){ 0 };
	ward_rounds = (struct rounds){ .remedy = &remedy, .refreshed_ns = world.now_ns };
	ward_rounds.refresh.repeat = 1;
	return 0;
}

/* What is done at a look at so many entries. */
static const char *at(uint32_t entries)
{
	world.done[0] = '\0';
	world.view.entries = entries;
	look(&ward_rounds);
	return world.done;
}

static void each_quarter_of_the_way_to_the_mark_the_rules_are_looked_at(void **state)
{
	assert_string_equal(at(0), "look apply ");
	assert_string_equal(at(249), "look apply ");
	assert_string_equal(at(250), "look apply meet ");
	assert_string_equal(at(300), "look apply ");
	/* A quarter of what is left of it. */
	assert_string_equal(at(437), "look apply ");
	assert_string_equal(at(438), "look apply meet ");
	assert_int_equal(remedy.deeds.looks, 6);
}

static void
rules_that_have_changed_are_audited_on_the_way_and_not_at_the_mark(void **state)
{
	world.current = false;
	assert_string_equal(at(100), "look apply ");
	assert_string_equal(at(500), "look apply meet audit ");
	assert_string_equal(at(990), "look apply meet ");
}

static void rules_that_are_known_are_not_read_again(void **state)
{
	world.known_generation = 7;
	assert_string_equal(at(500), "look apply ");
	world.current = false;
	assert_string_equal(at(800), "look apply audit ");
	world.known_generation = 6;
	assert_string_equal(at(950), "look apply meet ");
	/* It cannot be seen whether they are. */
	world.known_generation = 7;
	world.generation_err = -ENOBUFS;
	assert_string_equal(at(990), "look apply meet audit ");
}

static void a_table_that_falls_and_climbs_again_nears_the_mark_again(void **state)
{
	assert_string_equal(at(600), "look apply meet ");
	assert_string_equal(at(590), "look apply ");
	assert_string_equal(at(100), "look apply ");
	assert_string_equal(at(324), "look apply ");
	assert_string_equal(at(325), "look apply meet ");
}

static void above_the_mark_nothing_is_near(void **state)
{
	at(1500);
	ward_rounds.lowest = 1000;
	assert_string_equal(at(1600), "look apply ");
}

static void close_to_the_mark_it_looks_without_the_loop_but_not_for_ever(void **state)
{
	world.next_s = 0.0002;
	look_closely(&ward_rounds);
	assert_int_equal(remedy.deeds.looks, CLOSE_LOOKS);
	world.next_s = LOOP_S;
	look_closely(&ward_rounds);
	assert_int_equal(remedy.deeds.looks, CLOSE_LOOKS);
}

/* As a census does, beside others that fill and dump tables. */
static void looks_that_wait_for_the_kernel_let_leases_be_refreshed(void **state)
{
	world.next_s = 0.0002;
	world.look_takes_s = 0.4;
	look_closely(&ward_rounds);
	assert_int_equal(remedy.deeds.looks, 3);
	look_closely(&ward_rounds);
	assert_int_equal(remedy.deeds.looks, 3);
	refresh(&ward_rounds);
	look_closely(&ward_rounds);
	assert_int_equal(remedy.deeds.looks, 6);
}

static double on_looked(void *data, uint64_t looked_ns)
{
	did("told");
	return 0.5;
}

static void a_table_that_is_still_is_not_looked_at(void **state)
{
	struct ev_loop *loop = ev_loop_new(EVFLAG_NOENV);

	ward_rounds.looked = on_looked;
	ward_rounds.inspected_ns = world.now_ns;
	ev_timer_init(&ward_rounds.look, on_look, 0, 0.1);
	ward_rounds.look.data = &ward_rounds;
	ward_rounds.patience_s = INFINITY;
	world.next_s = 0.2;
	world.still = true;
	on_look(loop, &ward_rounds.look, 0);
	assert_string_equal(world.done, "");
	assert_true(world.still_within_s == STILL_S - 0.1);
	assert_int_equal(remedy.deeds.looks, 1);
	world.still = false;
	on_look(loop, &ward_rounds.look, 0);
	assert_string_equal(world.done, "look apply told ");
	assert_true(ward_rounds.look.repeat == 0.2);
	/* Whoever is to be told is not left waiting for that. */
	on_look(loop, &ward_rounds.look, 0);
	assert_true(world.still_within_s == 0.5 - 0.2);
	ev_timer_stop(loop, &ward_rounds.look);
	ev_loop_destroy(loop);
}

static void of_what_is_due_leases_are_refreshed_first(void **state)
{
	struct ev_loop *loop = ev_loop_new(EVFLAG_NOENV);

	ward_rounds.loop = loop;
	ward_rounds.looked = on_looked;
	rounds_start(&ward_rounds, 40);
	assert_true(ward_rounds.refresh.repeat == 5);
	ev_feed_event(loop, &ward_rounds.refresh, EV_TIMER);
	rounds_look_now(&ward_rounds);
	ev_run(loop, EVRUN_NOWAIT);
	assert_string_equal(world.done, "inspect refresh keep look apply told ");
	rounds_stop(&ward_rounds);
	ev_loop_destroy(loop);
}

static double inspected(double passed_s, double next_s)
{
	world.done[0] = '\0';
	world.now_ns = ward_rounds.inspected_ns + (uint64_t)(passed_s * 1e9);
	return inspect_in_time(&ward_rounds, next_s);
}

static void at_rest_an_inspection_goes_with_the_look_that_is_nearest_to_it(void **state)
{
	ward_rounds.inspected_ns = ward_rounds.measured_ns = world.now_ns;
	assert_true(inspected(0.1, 1) == 0.9);
	assert_string_equal(world.done, "");
	assert_true(inspected(0.6, 1) == 1);
	assert_string_equal(world.done, "meet ask ");
	assert_true(inspected(0.9, 0.01) == 0.01);
	assert_string_equal(world.done, "");
}

static void what_is_out_is_inspected_more_often_and_measured_each_second(void **state)
{
	world.any = true;
	ward_rounds.inspected_ns = ward_rounds.measured_ns = world.now_ns;
	assert_true(inspected(0.25, 1) == 0.25);
	assert_string_equal(world.done, "meet ask ");
	inspected(0.25, 1);
	inspected(0.25, 1);
	assert_string_equal(world.done, "meet ask ");
	inspected(0.25, 1);
	assert_string_equal(world.done, "meet ask inspect count ");
	inspected(0.25, 1);
	assert_string_equal(world.done, "meet ask ");
}

static void a_change_of_the_rules_is_inspected_at_once(void **state)
{
	world.any = world.moved = true;
	world.current = false;
	ward_rounds.inspected_ns = ward_rounds.measured_ns = world.now_ns;
	inspected(0.25, 1);
	assert_string_equal(world.done, "meet audit ask inspect count ");
}

/* A refresh would bring back what somebody took away; and it is a change of its own. */
static void what_is_refreshed_is_inspected_before_and_the_audit_is_kept(void **state)
{
	refresh(&ward_rounds);
	assert_string_equal(world.done, "inspect refresh keep ");
	assert_true(world.kept_as);
	world.done[0] = '\0';
	world.current = false;
	world.refresh_fails = true;
	refresh(&ward_rounds);
	assert_string_equal(world.done, "inspect refresh keep warn ");
	assert_false(world.kept_as);
}

static const char *faced(enum custody_loss loss)
{
	world.done[0] = '\0';
	/* The second was out by somebody else's rule. */
	world.report = (struct custody_report){
		.loss = { loss, loss },
		.count = 2,
		.services = { 0, 1 },
		.held = { false, true },
	};
	inspect(&ward_rounds);
	return world.done;
}

#define OTHERS                                                                     \
	"lost udp/2 udp/2 is tracked again: the rule that kept it out, which was " \
	"not the guard's, has ended "

static void what_was_swept_away_is_put_back_but_for_what_is_others(void **state)
{
	assert_string_equal(faced(CUSTODY_FLUSHED),
			    "inspect lost udp/1 udp/1 is tracked again: another tool "
			    "replaced the ruleset " OTHERS "restore-0 ");
}

static void what_was_deleted_on_purpose_is_not(void **state)
{
	assert_string_equal(faced(CUSTODY_REMOVED),
			    "inspect lost udp/1 udp/1 is tracked again: table inet ctkit "
			    "was deleted " OTHERS "stand-down ");
	assert_non_null(strstr(faced(CUSTODY_CHANGED), "taken away by somebody else"));
	assert_null(strstr(world.done, "restore"));
	assert_non_null(strstr(faced(CUSTODY_LAPSED), "its lease ran out while"));
	assert_null(strstr(world.done, "restore"));
	assert_null(strstr(world.done, "stand-down"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define ROUNDS_TEST(name) cmocka_unit_test_setup(name, begin)
		ROUNDS_TEST(each_quarter_of_the_way_to_the_mark_the_rules_are_looked_at),
		ROUNDS_TEST(
			rules_that_have_changed_are_audited_on_the_way_and_not_at_the_mark),
		ROUNDS_TEST(rules_that_are_known_are_not_read_again),
		ROUNDS_TEST(a_table_that_is_still_is_not_looked_at),
		ROUNDS_TEST(a_table_that_falls_and_climbs_again_nears_the_mark_again),
		ROUNDS_TEST(above_the_mark_nothing_is_near),
		ROUNDS_TEST(close_to_the_mark_it_looks_without_the_loop_but_not_for_ever),
		ROUNDS_TEST(looks_that_wait_for_the_kernel_let_leases_be_refreshed),
		ROUNDS_TEST(of_what_is_due_leases_are_refreshed_first),
		ROUNDS_TEST(
			at_rest_an_inspection_goes_with_the_look_that_is_nearest_to_it),
		ROUNDS_TEST(what_is_out_is_inspected_more_often_and_measured_each_second),
		ROUNDS_TEST(a_change_of_the_rules_is_inspected_at_once),
		ROUNDS_TEST(what_is_refreshed_is_inspected_before_and_the_audit_is_kept),
		ROUNDS_TEST(what_was_swept_away_is_put_back_but_for_what_is_others),
		ROUNDS_TEST(what_was_deleted_on_purpose_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
