// SPDX-License-Identifier: GPL-2.0-or-later
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "conntrack/table.h"
#include "guard/deeds.h"
#include "guard/gauges.h"
#include "guard/journal.h"
#include "guard/lease.h"
#include "guard/policy.h"
#include "guard/roll.h"
#include "guard/status.h"
#include "lib/text.h"

/* In place of the rules: percent of two services that are out, and their packets. */
struct leases {
	unsigned percent[2];
	uint64_t packets[2];
};

bool leases_engaged(const struct leases *leases, size_t i)
{
	return leases->percent[i] > 0;
}

unsigned leases_percent(const struct leases *leases, size_t i)
{
	return leases->percent[i];
}

uint64_t leases_packets(const struct leases *leases, size_t i)
{
	return leases->packets[i];
}

size_t roll_programs(const struct roll *roll)
{
	return 3;
}

uint64_t roll_eperm(const struct roll *roll)
{
	return 12345678901;
}

static struct status status;
static struct policy_view views[2];
static struct deeds deeds[2];
static struct leases leases[2];
static struct journal journal;
static uint64_t totals[TABLE_COUNTERS];
static struct text page;

/* A guard of one table without a name, with two services. */
static int begin(void **state)
{
	memset(leases, 0, sizeof(leases));
	memset(deeds, 0, sizeof(deeds));
	memset(totals, 0, sizeof(totals));
	journal = (struct journal){ 0 };
	for (size_t t = 0; t < 2; t++) {
		views[t] = (struct policy_view){
			.entries = 100,
			.limit = 1000,
			.full_in_s = INFINITY,
			.count = 2,
			.services = { { .name = "udp/1" }, { .name = "tcp/2" } },
		};
		status.tables[t] = (struct status_table){
			.leases = &leases[t],
			.view = &views[t],
			.deeds = &deeds[t],
		};
	}
	status.journal = &journal;
	status.count = 1;
	status.rehearse = false;
	return 0;
}

static int end(void **state)
{
	text_free(&page);
	return 0;
}

static void render(void)
{
	text_free(&page);
	gauges_add(&status, &page);
	assert_true(text_ok(&page));
}

static bool has(const char *line)
{
	size_t length = strlen(line);
	const char *at = text_str(&page);

	while ((at = strstr(at, line))) {
		if ((at == text_str(&page) || at[-1] == '\n') && at[length] == '\n')
			return true;
		at++;
	}
	return false;
}

static void expect(const char *line)
{
	if (!has(line))
		fail_msg("no line \"%s\" in:\n%s", line, text_str(&page));
}

static void the_table_is_told_as_it_was_seen(void **state)
{
	render();
	expect("ctkit_conntrack_entries 100");
	expect("ctkit_conntrack_entries_limit 1000");
	expect("ctkit_conntrack_forecast_full_seconds +Inf");
	views[0].full_in_s = 2.5;
	render();
	expect("ctkit_conntrack_forecast_full_seconds 2.5");
}

static void each_service_is_told_by_its_name(void **state)
{
	leases[0].percent[0] = 40;
	leases[0].packets[0] = 7;
	views[0].services[1].stock = 55;
	render();
	expect("ctkit_guard_untracked{service=\"udp/1\"} 1");
	expect("ctkit_guard_untracked{service=\"tcp/2\"} 0");
	expect("ctkit_guard_untracked_ratio{service=\"udp/1\"} 0.4");
	expect("ctkit_guard_untracked_packets_total{service=\"udp/1\"} 7");
	expect("ctkit_conntrack_service_entries{service=\"tcp/2\"} 55");
}

static void tables_with_names_are_told_apart(void **state)
{
	status.count = 2;
	status.tables[0].label = "red";
	status.tables[1].label = "blue";
	views[1].entries = 200;
	leases[1].percent[1] = 100;
	render();
	expect("ctkit_conntrack_entries{netns=\"red\"} 100");
	expect("ctkit_conntrack_entries{netns=\"blue\"} 200");
	expect("ctkit_guard_untracked{netns=\"red\",service=\"tcp/2\"} 0");
	expect("ctkit_guard_untracked{netns=\"blue\",service=\"tcp/2\"} 1");
}

static void what_the_kernel_counted_is_told_where_it_is_known(void **state)
{
	status.count = 2;
	status.tables[0].label = "red";
	status.tables[1].label = "blue";
	status.tables[1].totals = totals;
	for (size_t i = 0; i < TABLE_COUNTERS; i++)
		totals[i] = 5000000000 + i;
	render();
	for (size_t i = 0; i < TABLE_COUNTERS; i++) {
		char line[200];

		snprintf(line, sizeof(line),
			 "ctkit_conntrack_%s_total{netns=\"blue\"} %llu",
			 TABLE_COUNTER[i].name, 5000000000ULL + i);
		expect(line);
	}
	assert_null(strstr(text_str(&page), "ctkit_conntrack_drop_total{netns=\"red\"}"));
}

static void the_state_is_one_of_those_that_want_somebody(void **state)
{
	static const struct {
		enum status_state state;
		const char *name;
	} CASES[] = {
		{ STATUS_HELPLESS, "ctkit_guard_helpless" },
		{ STATUS_PAUSED, "ctkit_guard_paused" },
		{ STATUS_STANDING_DOWN, "ctkit_guard_standing_down" },
		{ STATUS_ENGAGED, "" },
	};

	for (size_t is = 0; is < 4; is++) {
		status.tables[0].state = CASES[is].state;
		render();
		for (size_t of = 0; of < 3; of++) {
			char line[100];

			snprintf(line, sizeof(line), "%s %d", CASES[of].name, is == of);
			expect(line);
		}
	}
	expect("ctkit_guard_dry_run 0");
	status.rehearse = true;
	render();
	expect("ctkit_guard_dry_run 1");
}

static void what_was_done_is_counted(void **state)
{
	deeds_engagement(&deeds[0], 0.0004);
	deeds_engagement(&deeds[0], 1000);
	deeds[0].releases = 3;
	deeds[0].failures = 4;
	deeds[0].looks = 5;
	status.tables[0].errors = 6;
	journal.lost = 7;
	journal.unkept = 8;
	render();
	expect("ctkit_guard_engagements_total 2");
	expect("ctkit_guard_decision_seconds_count 2");
	expect("ctkit_guard_decision_seconds_bucket{le=\"+Inf\"} 2");
	expect("ctkit_guard_decision_seconds_sum 1000.0004");
	expect("ctkit_guard_releases_total 3");
	expect("ctkit_guard_failures_total 4");
	expect("ctkit_guard_looks_total 5");
	expect("ctkit_guard_errors_total 6");
	expect("ctkit_guard_events_unwritten_total 15");
	expect("ctkit_guard_registered_programs 3");
	expect("ctkit_guard_reported_eperm_total 12345678901");
}

/* The format wants a family's samples together and after its type, and each family once. */
static void the_page_is_in_the_order_that_the_format_asks_for(void **state)
{
	char family[128] = "", line[512];
	struct text seen = { 0 };

	status.count = 2;
	status.tables[0].label = "red";
	status.tables[1].label = "blue";
	status.tables[0].totals = totals;
	render();
	for (const char *at = text_str(&page); *at; at += strcspn(at, "\n") + 1) {
		snprintf(line, sizeof(line), "%.*s", (int)strcspn(at, "\n"), at);
		if (sscanf(line, "# TYPE %127s", family) == 1) {
			char again[140];

			snprintf(again, sizeof(again), " %s ", family);
			assert_null(strstr(text_str(&seen), again));
			text_add(&seen, "%s", again);
		} else if (line[0] != '#') {
			assert_memory_equal(line, family, strlen(family));
		}
	}
	assert_non_null(strstr(text_str(&seen), " ctkit_build_info "));
	text_free(&seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define GAUGES_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
		GAUGES_TEST(the_table_is_told_as_it_was_seen),
		GAUGES_TEST(each_service_is_told_by_its_name),
		GAUGES_TEST(tables_with_names_are_told_apart),
		GAUGES_TEST(what_the_kernel_counted_is_told_where_it_is_known),
		GAUGES_TEST(the_state_is_one_of_those_that_want_somebody),
		GAUGES_TEST(what_was_done_is_counted),
		GAUGES_TEST(the_page_is_in_the_order_that_the_format_asks_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
