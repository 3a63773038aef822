// SPDX-License-Identifier: GPL-2.0-or-later
/* What is done on a decision, by the rules and entries that the kernel has then. The audit is this file's. */
#include "tests/unit/sandbox.h"

#include <ev.h>
#include <linux/netlink.h>

#include "conntrack/table.h"
#include "guard/chores.h"
#include "guard/config.h"
#include "guard/custody.h"
#include "guard/journal.h"
#include "guard/lease.h"
#include "guard/lookout.h"
#include "guard/policy.h"
#include "guard/remedy.h"
#include "guard/trouble.h"
#include "guard/vetting.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/nl.h"
#include "lib/text.h"
#include "rules/apply.h"

enum { UDP_9000, UDP_9001 };

static const struct log SILENT = { .program = "test", .level = LOG_LEVEL_NONE };

static struct config config;
static struct journal journal;
static struct trouble trouble;
static struct custody custody;
static struct remedy remedy;
static struct apply_why why;

bool vetting_allows(const struct vetting *vetting, size_t i)
{
	return true;
}

bool vetting_condemns(const struct vetting *vetting, size_t i)
{
	return !vetting_allows(vetting, i);
}

static void on_done(const struct chore *chore, void *data)
{
	ev_break(ev_default_loop(EVFLAG_AUTO), EVBREAK_ALL);
}

static void open_it(bool rehearse)
{
	struct chores *chores;
	struct leases *leases;
	struct lookout *lookout;
	struct nl *nl;

	journal = (struct journal){
		.log = &SILENT,
		.json_fd = -1,
		.rehearse = rehearse,
	};
	trouble = (struct trouble){ .log = &SILENT };
	assert_int_equal(chores_open(&chores), 0);
	chores_start(chores, ev_default_loop(EVFLAG_AUTO), on_done, NULL);
	assert_int_equal(leases_open(&leases, &config, NULL, rehearse), 0);
	assert_true(leases_adopt(leases, clock_now_ns(), &why) >= 0);
	assert_int_equal(lookout_open(&lookout, &config, leases, chores, rehearse), 0);
	assert_int_equal(nl_open(&nl, NETLINK_NETFILTER), 0);
	custody = (struct custody){ .nl = nl, .leases = leases, .lease_s = 30 };
	remedy = (struct remedy){
		.config = &config,
		.log = &SILENT,
		.journal = &journal,
		.lookout = lookout,
		.leases = leases,
		.custody = &custody,
		.trouble = &trouble,
		.nl = nl,
		.chores = chores,
		.rehearse = rehearse,
	};
}

static int begin(void **state)
{
	struct text text = { 0 };

	sandbox_setup(state);
	remedy = (struct remedy){ 0 };
	config_init(&config);
	config_add_service(&config, "udp/9000", &text);
	return config_add_service(&config, "udp/9001", &text);
}

static int end(void **state)
{
	chores_close(remedy.chores);
	lookout_close(remedy.lookout);
	leases_close(remedy.leases);
	nl_close(remedy.nl);
	journal_free(&journal);
	return 0;
}

/* A look at the table, as there is before each decision. */
static void look(void)
{
	struct policy_decision ignored;

	assert_int_equal(lookout_decide(remedy.lookout, &ignored), 0);
}

static void apply(enum policy_action action, size_t service, unsigned percent)
{
	const struct policy_decision decision = {
		.action = action,
		.service = service,
		.percent = percent,
		.why = "because",
	};

	look();
	remedy_apply(&remedy, &decision);
}

static size_t count_told(const char *event, bool failed)
{
	json_t *events = journal_recent(&journal);
	size_t count = 0, i;
	json_t *one;

	json_array_foreach(events, i, one) {
		const char *name = json_string_value(json_object_get(one, "event"));

		count += name && strcmp(name, event) == 0 &&
			 failed == (json_object_get(one, "error") != NULL);
	}
	json_decref(events);
	return count;
}

/* How many events of that name there were. */
static size_t told(const char *event)
{
	return count_told(event, false);
}

/* The sentence of the last event. */
static const char *last_word(void)
{
	static char sentence[600];
	json_t *events = journal_recent(&journal);
	const json_t *last = json_array_get(events, json_array_size(events) - 1);

	snprintf(sentence, sizeof(sentence), "%s",
		 json_string_value(json_object_get(last, "why")));
	json_decref(events);
	return sentence;
}

static bool is_out(const char *port)
{
	char line[200];

	snprintf(line, sizeof(line),
		 "nft list map inet ctkit in_services | grep -q 'udp [.] %s timeout'",
		 port);
	return sandbox_run(line);
}

static uint32_t entries(void)
{
	struct table_usage usage;

	assert_int_equal(table_usage_get(remedy.nl, &usage), 0);
	return usage.entries;
}

static void on_timeout(struct ev_loop *loop, ev_timer *timer, int revents)
{
	ev_break(loop, EVBREAK_ALL);
}

/* Waits until the helper has deleted what it was asked to. */
static void wait_for_helper(void)
{
	struct ev_loop *loop = ev_default_loop(EVFLAG_AUTO);
	ev_timer timeout;

	assert_true(chores_pending(remedy.chores, CHORE_RECLAIM));
	/* The loop has not run for long. */
	ev_now_update(loop);
	ev_timer_init(&timeout, on_timeout, 60, 0);
	ev_timer_start(loop, &timeout);
	while (chores_pending(remedy.chores, CHORE_RECLAIM) && ev_is_active(&timeout))
		ev_run(loop, EVRUN_ONCE);
	ev_timer_stop(loop, &timeout);
	assert_false(chores_pending(remedy.chores, CHORE_RECLAIM));
}

static void what_is_taken_out_is_untracked_and_its_entries_go(void **state)
{
	sandbox_needed(state);
	open_it(false);
	sandbox_do("ctfill -P 9000 -d 10.77.0.1 300");
	sandbox_do("ctfill -P 9001 -d 10.77.0.1 50");
	apply(POLICY_ENGAGE, UDP_9000, 100);
	assert_true(is_out("9000"));
	assert_false(is_out("9001"));
	wait_for_helper();
	assert_int_equal(entries(), 50);
	assert_int_equal(remedy.deeds.engagements, 1);
	assert_int_equal(told("engage"), 1);
	assert_string_equal(last_word(), "because");
	assert_int_equal(remedy_state(&remedy), STATUS_ENGAGED);
	assert_true(custody.known);
}

/* UDP_9000 is out, and has 300 entries all the same, beside 50 of the other. */
static void take_out_and_fill(void)
{
	open_it(false);
	apply(POLICY_ENGAGE, UDP_9000, 100);
	wait_for_helper();
	sandbox_do("ctfill -P 9000 -d 10.77.0.1 300");
	sandbox_do("ctfill -P 9001 -d 10.77.0.1 50");
}

static void what_comes_of_it_without_packets_goes_when_that_is_decided(void **state)
{
	sandbox_needed(state);
	take_out_and_fill();
	apply(POLICY_DELETE, UDP_9000, 100);
	wait_for_helper();
	assert_int_equal(entries(), 50);
	assert_int_equal(told("delete"), 1);
	assert_int_equal(remedy.deeds.engagements, 1);
}

static void of_what_is_taken_out_in_part_only_those_entries_go(void **state)
{
	sandbox_needed(state);
	open_it(false);
	sandbox_do("ctfill -P 9000 -d 10.77.0.1 1000");
	apply(POLICY_ENGAGE, UDP_9000, 50);
	wait_for_helper();
	/* Which, a random number chooses: 16 is a standard deviation. */
	assert_in_range(entries(), 400, 600);
}

static void what_is_released_is_tracked_again(void **state)
{
	sandbox_needed(state);
	open_it(false);
	apply(POLICY_ENGAGE, UDP_9000, 100);
	apply(POLICY_RELEASE, UDP_9000, 40);
	assert_int_equal(leases_percent(remedy.leases, UDP_9000), 40);
	assert_true(is_out("9000"));
	apply(POLICY_RELEASE, UDP_9000, 0);
	assert_false(is_out("9000"));
	assert_int_equal(remedy.deeds.releases, 2);
	assert_int_equal(told("release"), 2);
	assert_int_equal(remedy_state(&remedy), STATUS_WATCHING);
}

static void nothing_is_carried_out_while_it_is_paused_or_stands_down(void **state)
{
	sandbox_needed(state);
	open_it(false);
	remedy.paused = true;
	apply(POLICY_ENGAGE, UDP_9000, 100);
	assert_int_equal(remedy_state(&remedy), STATUS_PAUSED);
	remedy.paused = false;
	remedy_stand_down(&remedy);
	assert_int_equal(told("stand-down"), 1);
	apply(POLICY_ENGAGE, UDP_9000, 100);
	apply(POLICY_HELPLESS, 0, 0);
	assert_int_equal(remedy_state(&remedy), STATUS_STANDING_DOWN);
	assert_false(is_out("9000"));
	assert_int_equal(told("engage") + told("helpless"), 0);
}

static void a_change_that_failed_is_told_and_not_tried_again_at_once(void **state)
{
	sandbox_needed(state);
	open_it(false);
	/* It is not ours. */
	sandbox_do("nft add table inet ctkit");
	apply(POLICY_ENGAGE, UDP_9000, 100);
	assert_int_equal(count_told("engage", true), 1);
	assert_int_equal(remedy.deeds.failures, 1);
	assert_int_equal(remedy.deeds.engagements, 0);
	assert_int_equal(remedy.retry_ns - lookout_view(remedy.lookout)->now_ns,
			 1000000000);
	apply(POLICY_ENGAGE, UDP_9000, 100);
	assert_int_equal(remedy.deeds.failures, 1);
	sandbox_do("nft delete table inet ctkit");
	remedy.retry_ns = 0;
	apply(POLICY_ENGAGE, UDP_9000, 100);
	assert_true(is_out("9000"));
	assert_int_equal(remedy.deeds.failures, 1);
}

static void fill_by_others(void)
{
	config.policy.engage_at = 0.0001;
	config.policy.release_at = 0.00005;
	open_it(false);
	sandbox_do("ctfill -P 7000 -d 10.77.0.1 900");
}

/* Looks until it is decided that nothing helps, which takes another look each time, and does that. */
static void find_no_help(void)
{
	struct policy_decision decision;
	uint64_t begun_ns = clock_now_ns();

	do
		assert_int_equal(lookout_decide(remedy.lookout, &decision), 0);
	while (decision.action != POLICY_HELPLESS &&
	       clock_between_s(begun_ns, clock_now_ns()) < 60);
	assert_int_equal(decision.action, POLICY_HELPLESS);
	remedy_apply(&remedy, &decision);
}

static void
a_table_that_cannot_be_relieved_is_told_seldom_and_with_who_it_is(void **state)
{
	struct policy_decision rest = { .action = POLICY_REST };
	uint64_t begun_ns;
	size_t before;

	sandbox_needed(state);
	fill_by_others();
	begun_ns = clock_now_ns();
	for (int i = 0; i < 5; i++)
		find_no_help();
	/* Every ten seconds, on a machine that is that slow. */
	assert_in_range(told("helpless"), 1,
			1 + (size_t)(clock_between_s(begun_ns, clock_now_ns()) / 10));
	before = told("helpless");
	remedy.complained_ns -= 10000000000;
	find_no_help();
	assert_int_equal(told("helpless"), before + 1);
	assert_non_null(strstr(last_word(), "most of it is udp/7000 (100 %)"));
	assert_int_equal(remedy_state(&remedy), STATUS_HELPLESS);
	/* It is still at the mark. */
	remedy_apply(&remedy, &rest);
	assert_int_equal(told("relieved"), 0);
	sandbox_do("conntrack -F");
	look();
	/* A moment is not the end of it. */
	remedy_apply(&remedy, &rest);
	assert_int_equal(told("relieved"), 0);
	assert_int_equal(remedy_state(&remedy), STATUS_HELPLESS);
	remedy.filling_ns -= 5 * (uint64_t)CLOCK_NS_PER_S;
	remedy_apply(&remedy, &rest);
	assert_int_equal(told("relieved"), 1);
	assert_string_equal(last_word(), "the table is no longer about to be full");
	assert_int_equal(remedy_state(&remedy), STATUS_WATCHING);
	remedy_apply(&remedy, &rest);
	assert_int_equal(told("relieved"), 1);
}

/* It comes every few seconds while nothing helps. */
static void what_did_not_help_before_is_no_relief(void **state)
{
	sandbox_needed(state);
	fill_by_others();
	find_no_help();
	apply(POLICY_PURGE, 0, 0);
	apply(POLICY_DELETE, UDP_9000, 100);
	wait_for_helper();
	assert_int_equal(told("purge") + told("delete"), 2);
	assert_int_equal(told("relieved"), 0);
	assert_int_equal(remedy_state(&remedy), STATUS_HELPLESS);
}

/* The next complaint is about another table. */
static void after_a_change_it_may_complain_again(void **state)
{
	sandbox_needed(state);
	fill_by_others();
	find_no_help();
	apply(POLICY_ENGAGE, UDP_9000, 100);
	wait_for_helper();
	assert_int_equal(told("relieved"), 1);
	find_no_help();
	assert_int_equal(told("helpless"), 2);
}

static void what_was_swept_away_is_put_back_as_much_as_was_out(void **state)
{
	struct custody_report report;

	sandbox_needed(state);
	open_it(false);
	apply(POLICY_ENGAGE, UDP_9000, 60);
	assert_int_equal(custody_check(&custody, clock_now_ns(), &report), 0);
	sandbox_do("nft flush ruleset");
	assert_int_equal(custody_check(&custody, clock_now_ns(), &report), 0);
	assert_int_equal(report.loss[0], CUSTODY_FLUSHED);
	assert_false(is_out("9000"));
	wait_for_helper();
	sandbox_do("ctfill -P 9000 -d 10.77.0.1 300");
	remedy_restore(&remedy, UDP_9000);
	wait_for_helper();
	assert_true(entries() < 300);
	assert_true(is_out("9000"));
	assert_int_equal(leases_percent(remedy.leases, UDP_9000), 60);
	assert_int_equal(remedy.deeds.restorations, 1);
	assert_string_equal(
		last_word(),
		"put back the rules of udp/9000, which went with the ruleset");
}

static void an_order_gives_back_with_its_cause(void **state)
{
	sandbox_needed(state);
	open_it(false);
	apply(POLICY_ENGAGE, UDP_9000, 100);
	assert_int_equal(remedy_give_back(&remedy, UDP_9000, "by order", &why), 0);
	assert_false(is_out("9000"));
	assert_string_equal(last_word(), "gave udp/9000 back by order");
	assert_int_equal(remedy.deeds.releases, 1);
}

static void at_the_end_all_goes_but_what_is_others(void **state)
{
	const struct terms others = { .lease_ms = 3600000, .holder = { "ctrules", 1 } };
	struct nl *nl;

	sandbox_needed(state);
	assert_int_equal(nl_open(&nl, NETLINK_NETFILTER), 0);
	assert_int_equal(apply_add(nl, &config.services[UDP_9001].service, &others, &why),
			 0);
	nl_close(nl);
	open_it(false);
	apply(POLICY_ENGAGE, UDP_9000, 100);
	assert_int_equal(remedy_withdraw(&remedy), 0);
	assert_false(is_out("9000"));
	assert_true(is_out("9001"));
	assert_int_equal(told("withdraw"), 1);
}

static void what_an_earlier_guard_left_is_deleted(void **state)
{
	sandbox_needed(state);
	take_out_and_fill();
	remedy_finish(&remedy);
	wait_for_helper();
	assert_int_equal(entries(), 50);
}

static void a_rehearsal_tells_the_same_and_changes_nothing(void **state)
{
	sandbox_needed(state);
	open_it(true);
	sandbox_do("ctfill -P 9000 -d 10.77.0.1 300");
	apply(POLICY_ENGAGE, UDP_9000, 100);
	assert_int_equal(told("engage"), 1);
	assert_int_equal(remedy_state(&remedy), STATUS_ENGAGED);
	apply(POLICY_DELETE, UDP_9000, 100);
	assert_int_equal(told("delete"), 1);
	remedy_finish(&remedy);
	assert_false(chores_pending(remedy.chores, CHORE_RECLAIM));
	assert_int_equal(entries(), 300);
	assert_int_equal(remedy_give_back(&remedy, UDP_9000, "by order", &why), 0);
	assert_string_equal(last_word(), "would give udp/9000 back by order");
	assert_false(sandbox_run("nft list table inet ctkit"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define REMEDY_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
		REMEDY_TEST(what_is_taken_out_is_untracked_and_its_entries_go),
		REMEDY_TEST(what_comes_of_it_without_packets_goes_when_that_is_decided),
		REMEDY_TEST(of_what_is_taken_out_in_part_only_those_entries_go),
		REMEDY_TEST(what_is_released_is_tracked_again),
		REMEDY_TEST(nothing_is_carried_out_while_it_is_paused_or_stands_down),
		REMEDY_TEST(a_change_that_failed_is_told_and_not_tried_again_at_once),
		REMEDY_TEST(
			a_table_that_cannot_be_relieved_is_told_seldom_and_with_who_it_is),
		REMEDY_TEST(what_did_not_help_before_is_no_relief),
		REMEDY_TEST(after_a_change_it_may_complain_again),
		REMEDY_TEST(what_was_swept_away_is_put_back_as_much_as_was_out),
		REMEDY_TEST(an_order_gives_back_with_its_cause),
		REMEDY_TEST(at_the_end_all_goes_but_what_is_others),
		REMEDY_TEST(what_an_earlier_guard_left_is_deleted),
		REMEDY_TEST(a_rehearsal_tells_the_same_and_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
