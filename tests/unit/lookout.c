// SPDX-License-Identifier: GPL-2.0-or-later
/* How a table of the kernel's becomes decisions. What is out, and the audit, are this file's. */
#include "tests/unit/sandbox.h"

#include <math.h>

#include "guard/chores.h"
#include "guard/config.h"
#include "guard/lease.h"
#include "guard/limit.h"
#include "guard/lookout.h"
#include "lib/clock.h"
#include "lib/text.h"
#include "rules/midstream.h"

enum { UDP_9000, TCP_9001 };
enum { MARK = 3000 }; /* entries at which the guard must act */

struct leases {
	unsigned percent[POLICY_SERVICES_MAX];
	uint64_t changed_ns[POLICY_SERVICES_MAX];
	double packets_per_s;
};

static struct leases leases;
static struct config config;
static struct chores *chores;
static struct lookout *lookout;
static struct policy_decision decision;

unsigned leases_percent(const struct leases *l, size_t i)
{
	return l->percent[i];
}

bool leases_fixed(const struct leases *l, size_t i)
{
	return false;
}

bool leases_bounded(const struct leases *l, size_t i)
{
	return false;
}

size_t leases_count(const struct leases *l)
{
	return (l->percent[0] > 0) + (l->percent[1] > 0);
}

bool leases_any(const struct leases *l)
{
	return leases_count(l) > 0;
}

uint64_t leases_changed_ns(const struct leases *l, size_t i)
{
	return l->changed_ns[i];
}

double leases_packets_per_s(const struct leases *l, size_t i)
{
	return l->packets_per_s;
}

static uint32_t limit_of_host(void)
{
	uint32_t limit;

	assert_int_equal(limit_get("/proc/sys/net/netfilter/nf_conntrack_max", &limit),
			 0);
	return limit;
}

static void open_it(bool rehearse)
{
	assert_int_equal(lookout_open(&lookout, &config, &leases, chores, rehearse), 0);
}

/* The mark alone counts: the forecast has no horizon. */
static int begin(void **state)
{
	struct text why = { 0 };

	sandbox_setup(state);
	leases = (struct leases){ 0 };
	config_init(&config);
	config.policy.engage_at = (double)MARK / limit_of_host();
	config.policy.release_at = config.policy.engage_at / 2;
	config.policy.horizon_s = 0;
	config_add_service(&config, "udp/9000", &why);
	config_add_service(&config, "tcp/9001", &why);
	return chores_open(&chores);
}

static int end(void **state)
{
	lookout_close(lookout);
	lookout = NULL;
	chores_close(chores);
	return 0;
}

/* Looks until it is that: to collect what has expired, and to see who grows, come first. */
static void decides(enum policy_action action)
{
	uint64_t begun_ns = clock_now_ns();

	do {
		assert_int_equal(lookout_decide(lookout, &decision), 0);
	} while (decision.action != action &&
		 clock_between_s(begun_ns, clock_now_ns()) < 60);
	assert_int_equal(decision.action, action);
}

static void a_calm_table_is_seen_as_it_is(void **state)
{
	const struct policy_view *view;

	sandbox_needed(state);
	open_it(false);
	sandbox_do("ctfill -P 9000 -d 10.77.0.1 500");
	decides(POLICY_REST);
	view = lookout_view(lookout);
	assert_int_equal(view->entries, 500);
	assert_int_equal(view->limit, limit_of_host());
	assert_int_equal(view->count, 2);
	assert_string_equal(view->services[UDP_9000].name, "udp/9000");
	assert_string_equal(view->services[TCP_9001].name, "tcp/9001");
	assert_true(lookout_next_s(lookout) > 0 && lookout_next_s(lookout) <= 1);
}

static void who_fills_it_is_taken_out(void **state)
{
	sandbox_needed(state);
	open_it(false);
	sandbox_do("ctfill -p tcp -P 9001 -d 10.77.0.1 500");
	decides(POLICY_REST);
	sandbox_do("ctfill -P 9000 -d 10.77.0.1 4000");
	decides(POLICY_ENGAGE);
	assert_int_equal(decision.service, UDP_9000);
	assert_in_range(decision.percent, 50, 100);
	assert_non_null(strstr(decision.why, "at the mark"));
}

static void what_is_unsafe_is_not(void **state)
{
	sandbox_needed(state);
	open_it(false);
	lookout_note_unsafe(lookout, UDP_9000, true);
	sandbox_do("ctfill -P 9000 -d 10.77.0.1 4000");
	decides(POLICY_HELPLESS);
	lookout_note_unsafe(lookout, UDP_9000, false);
	decides(POLICY_ENGAGE);
	/* Nor is what no program serves any more. */
	config.services[UDP_9000].leaving = true;
	lookout_note_unsafe(lookout, UDP_9000, false);
	decides(POLICY_HELPLESS);
}

static void where_nobody_helps_who_it_is_now_is_named_when_asked(void **state)
{
	sandbox_needed(state);
	open_it(false);
	sandbox_do("ctfill -P 7000 -d 10.77.0.1 4000");
	decides(POLICY_HELPLESS);
	assert_null(strstr(decision.why, "7000"));
	assert_int_equal(lookout_name_top(lookout, &decision), 0);
	assert_int_equal(decision.action, POLICY_HELPLESS);
	assert_non_null(strstr(decision.why, "most of it is udp/7000 (100 %)"));
	sandbox_do("ctfill -P 7001 -d 10.77.0.1 8000");
	decides(POLICY_HELPLESS);
	assert_int_equal(lookout_name_top(lookout, &decision), 0);
	assert_non_null(strstr(decision.why, "most of it is udp/7001 ("));
}

static void an_address_that_came_is_known_before_it_gives_up(void **state)
{
	sandbox_needed(state);
	open_it(false);
	sandbox_do("ip addr add 10.77.0.9/32 dev lo");
	sandbox_do("ctfill -P 9000 -d 10.77.0.9 4000");
	decides(POLICY_ENGAGE);
	assert_int_equal(decision.service, UDP_9000);
}

static void flows_to_the_same_port_of_others_are_nobodys_here(void **state)
{
	sandbox_needed(state);
	open_it(false);
	sandbox_do("ctfill -P 9000 -d 192.0.2.1 4000");
	decides(POLICY_HELPLESS);
}

static void of_udp_no_connections_are_open_and_of_tcp_nobody_knows(void **state)
{
	const struct policy_service *services;

	sandbox_needed(state);
	open_it(false);
	decides(POLICY_REST);
	services = lookout_view(lookout)->services;
	assert_true(services[UDP_9000].connections == 0);
	assert_true(isinf(services[TCP_9001].connections));
	leases.percent[TCP_9001] = 100;
	lookout_note_connections(lookout, UDP_9000, 5);
	lookout_note_connections(lookout, TCP_9001, 5);
	decides(POLICY_REST);
	assert_true(services[UDP_9000].connections == 0);
	assert_true(services[TCP_9001].connections == 5);
	assert_false(services[TCP_9001].fragile);
	lookout_note_midstream(lookout, TCP_9001, (struct midstream){ true, true });
	decides(POLICY_REST);
	assert_true(services[TCP_9001].fragile);
}

/* Of what is out in part the rest shows what would come back, as it is seen by a look at who is there. */
static void what_is_out_in_part_is_watched(void **state)
{
	const struct policy_service *service;

	sandbox_needed(state);
	open_it(false);
	leases.percent[UDP_9000] = 50;
	leases.changed_ns[UDP_9000] = clock_now_ns() - 100000000000;
	leases.packets_per_s = 1000;
	sandbox_do("ctfill -P 9000 -d 10.77.0.1 70");
	service = &lookout_view(lookout)->services[UDP_9000];
	decides(POLICY_REST);
	decides(POLICY_REST);
	assert_int_equal(service->percent, 50);
	assert_float_equal(service->returning, 70, 1e-6);
}

static void a_rehearsal_sees_the_table_without_what_it_pretends_is_out(void **state)
{
	sandbox_needed(state);
	open_it(true);
	sandbox_do("ctfill -P 9000 -d 10.77.0.1 800");
	sandbox_do("ctfill -p tcp -P 9001 -d 10.77.0.1 100");
	decides(POLICY_REST);
	assert_int_equal(lookout_view(lookout)->entries, 900);
	leases.percent[UDP_9000] = 100;
	decides(POLICY_REST);
	assert_int_equal(lookout_view(lookout)->entries, 100);
	assert_true(lookout_view(lookout)->services[UDP_9000].returning == 800);
}

static void a_limit_that_was_raised_is_told_while_it_is_that(void **state)
{
	struct limit_change change = { .raised = limit_of_host(), .before = 77 };

	sandbox_needed(state);
	open_it(false);
	lookout_note_limit(lookout, &change);
	decides(POLICY_REST);
	assert_int_equal(lookout_view(lookout)->limit_before, 77);
	change.raised++;
	lookout_note_limit(lookout, &change);
	decides(POLICY_REST);
	assert_int_equal(lookout_view(lookout)->limit_before, 0);
}

/* Has it see that the table climbs, and returns its entries then. */
static uint32_t climb(void)
{
	const struct policy_view *view = lookout_view(lookout);
	char line[100];

	for (int i = 0; i < 100 && view->slope <= 0; i++) {
		snprintf(line, sizeof(line),
			 "ctfill -P 9000 -s 10.9.%d.1 -d 10.77.0.1 20", i);
		sandbox_do(line);
		decides(POLICY_REST);
	}
	assert_true(view->slope > 0);
	return view->entries;
}

static void a_restart_counts_and_forgets_what_was_seen_to_come(void **state)
{
	uint32_t entries, there;

	sandbox_needed(state);
	open_it(false);
	there = climb();
	assert_int_equal(lookout_restart(lookout, &entries), 0);
	assert_int_equal(entries, there);
	decides(POLICY_REST);
	assert_true(lookout_view(lookout)->slope == 0);
	assert_int_equal(lookout_restart(lookout, NULL), 0);
}

/* If hardly any went it was not they who made it look full. */
static void a_purge_that_took_many_begins_anew_and_others_do_not(void **state)
{
	uint32_t entries, there;

	sandbox_needed(state);
	open_it(false);
	there = climb();
	assert_int_equal(lookout_note_purge(lookout, there * 100 / 96, &entries), 0);
	assert_int_equal(entries, there);
	decides(POLICY_REST);
	assert_true(lookout_view(lookout)->slope > 0);
	assert_int_equal(lookout_note_purge(lookout, there * 100 / 94 + 1, &entries), 0);
	decides(POLICY_REST);
	assert_true(lookout_view(lookout)->slope == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define LOOKOUT_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
		LOOKOUT_TEST(a_calm_table_is_seen_as_it_is),
		LOOKOUT_TEST(who_fills_it_is_taken_out),
		LOOKOUT_TEST(what_is_unsafe_is_not),
		LOOKOUT_TEST(where_nobody_helps_who_it_is_now_is_named_when_asked),
		LOOKOUT_TEST(an_address_that_came_is_known_before_it_gives_up),
		LOOKOUT_TEST(flows_to_the_same_port_of_others_are_nobodys_here),
		LOOKOUT_TEST(of_udp_no_connections_are_open_and_of_tcp_nobody_knows),
		LOOKOUT_TEST(what_is_out_in_part_is_watched),
		LOOKOUT_TEST(a_rehearsal_sees_the_table_without_what_it_pretends_is_out),
		LOOKOUT_TEST(a_limit_that_was_raised_is_told_while_it_is_that),
		LOOKOUT_TEST(a_restart_counts_and_forgets_what_was_seen_to_come),
		LOOKOUT_TEST(a_purge_that_took_many_begins_anew_and_others_do_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
