// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "conntrack/report.h"
#include "conntrack/rollcall.h"
#include "conntrack/untracked.h"
#include "conntrack/view.h"
#include "conntrack/watch.h"
#include "lib/text.h"

/* A tenth full, all of it sampled: three services, of which the first's socket has a holder. */
struct situation {
	struct view view;
	struct attribute services;
	struct process process;
	struct reading reading;
};

static void add_service(struct attribute *services, uint16_t port, uint32_t flows,
			uint32_t unreplied, uint64_t inode)
{
	services->rows[services->count++] = (struct attribute_row){
		.key = { .kind = ATTRIBUTE_IN, .proto = IPPROTO_UDP, .port = port },
		.inode = inode,
		.flows = flows,
		.unreplied = unreplied,
	};
	services->total.flows += flows;
}

static void set(struct situation *s)
{
	*s = (struct situation){
		.view = { .by = VIEW_SERVICE, .top = 2 },
		.process = { .inode = 7, .pid = 12, .count = 1, .name = "dns" },
		.reading = { .usage = { .entries = 1000, .limit = 10000 },
			     .active = ACTIVE_YES,
			     .sampled = true,
			     .sample = { .flows = 1000, .complete = true },
			     .full_s = INFINITY,
			     .settles_at = NAN,
			     .arrivals_per_s = NAN },
	};
	add_service(&s->services, 53, 700, 350, 7);
	s->services.rows[0].assured = 175;
	add_service(&s->services, 123, 200, 0, 8);
	add_service(&s->services, 9000, 100, 100, 0);
	s->reading.services = &s->services;
	s->reading.sources = &s->services;
	s->reading.states = &s->services;
	s->reading.holders = &s->services;
	s->reading.process = &s->process;
	s->reading.processes = 1;
}

static void assert_report(const struct situation *s, const char *part)
{
	struct text text = { 0 };

	report_add(&s->view, &s->reading, &text);
	if (!strstr(text_str(&text), part))
		fail_msg("no \"%s\" in:\n%s", part, text_str(&text));
	text_free(&text);
}

static void assert_line(const struct situation *s, const char *wanted)
{
	struct text text = { 0 };

	view_line(&s->view, &s->reading, &text);
	assert_string_equal(text_str(&text), wanted);
	text_free(&text);
}

static void the_report_has_the_largest_and_the_rest(void **state)
{
	struct situation s;

	set(&s);
	assert_report(&s, "entries:   1,000 of 10,000, 10.0% full\n");
	assert_report(&s, "tracking:  active\n");
	assert_report(&s, "all 1,000 live entries, by service:\n");
	assert_report(&s, " share           entries  unreplied  assured  process\n");
	assert_report(&s, "  udp/53                            70.0% +-0.0         700 "
			  "       50%      25%  dns[12]\n");
	assert_report(&s, "  other                             10.0% +-0.0         100 "
			  "      100%       0%\n");
	s.reading.sample_counted = 1234;
	assert_report(&s, " 234 of the counted have expired, and go by and by\n");
	s.process.count = 4;
	s.services.rows[0].nat = 1;
	assert_report(&s, " 50%      25%  dns[12] and 3 more  translated\n");
	s.view.by = VIEW_PROCESS;
	assert_report(&s, " unreplied  assured\n");
	assert_report(&s, "all 1,000 live entries, by process:\n");
	s.view.by = VIEW_SERVICE;
	s.reading.sample.complete = false;
	assert_report(&s, "a sample of 1,000 live entries, by service:\n");
	s.reading.sample_age_s = 12;
	assert_report(&s, "a sample of 1,000 live entries, 12 s ago, by service:\n");
}

static void what_was_asked_for_is_counted_to_the_entry(void **state)
{
	const struct rollcall_list asked = {
		.count = 2,
		.service = { { .proto = IPPROTO_UDP, .first_port = 53, .last_port = 53 },
			     { .proto = IPPROTO_TCP,
			       .first_port = 22,
			       .last_port = 22 } },
	};
	struct rollcall called = {
		.asked = &asked,
		.flows = 262144,
		.row = { { .flows = 3, .unreplied = 1, .nat = 1 }, { .flows = 0 } },
	};
	struct situation s;

	set(&s);
	s.reading.called = &called;
	assert_report(&s, "counted:   udp/53, 3 of 262,144 live entries (0.001%), 33% "
			  "unreplied, translated\ncounted:   tcp/22, 0 of 262,144 live "
			  "entries (0.000%)\n");
	s.reading.called_age_s = 12;
	called.row[0].nat = 0;
	assert_report(&s, " 33% unreplied, 12 s ago\n");
	s.view.top = 1;
	assert_line(&s,
		    "1000/10000 10.0%  no forecast yet  udp/53 70%  counted udp/53 3, "
		    "tcp/22 0 (12 s ago)");
	s.reading.called_age_s = 0.9;
	assert_line(&s,
		    "1000/10000 10.0%  no forecast yet  udp/53 70%  counted udp/53 3, "
		    "tcp/22 0");
	s.reading.called_age_s = 12;
	called.flows = 0;
	assert_report(&s, "tcp/22, 0 of 0 live entries (0.000%), 12 s ago\n");
}

static void what_is_left_of_a_lease_is_told_to_the_second_for_ten_minutes(void **state)
{
	static const struct {
		uint64_t left_ms;
		const char *words;
	} CASES[] = {
		{ 9500, "lease 9.5 s" },   { 119000, "lease 119 s" },
		{ 150000, "lease 150 s" }, { 299400, "lease 299 s" },
		{ 599000, "lease 599 s" }, { 900000, "lease 15 min" },
		{ 9000000, "lease 2 h" },
	};

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		const struct untracked_service service = { .ends = true,
							   .left_ms = CASES[i].left_ms };
		struct text text = { 0 };

		view_lease(&service, &text);
		assert_string_equal(text_str(&text), CASES[i].words);
		text_free(&text);
	}
}

static void an_empty_table_has_no_rows(void **state)
{
	struct text text = { 0 };
	struct situation s;

	set(&s);
	s.reading.sample.flows = 0;
	s.services.count = 0;
	s.services.total.flows = 0;
	report_add(&s.view, &s.reading, &text);
	assert_non_null(strstr(text_str(&text), "\nno live entries\n"));
	assert_null(strstr(text_str(&text), "share"));
	text_free(&text);
}

static void assert_no_report(const struct situation *s, const char *part)
{
	struct text text = { 0 };

	report_add(&s->view, &s->reading, &text);
	if (strstr(text_str(&text), part))
		fail_msg("there is \"%s\" in:\n%s", part, text_str(&text));
	text_free(&text);
}

static void why_tracking_is_unknown_is_told(void **state)
{
	struct situation s;

	set(&s);
	s.reading.active = ACTIVE_UNKNOWN;
	s.reading.probe_error = -EMFILE;
	assert_report(&s, "over loopback: Too many open files\n");
	s.reading.probe_error = -ENETUNREACH;
	assert_report(&s, "Network is unreachable (is lo up?)\n");
	assert_no_report(&s, "It comes with");
	s.reading.probe_error = 0;
	s.reading.missing = -EPERM;
	assert_report(&s, "tracking:  not known: finding out needs CAP_NET_ADMIN\n");
	assert_line(&s, "1000/10000 10.0%  no forecast yet  not known whether active  "
			"udp/53 70%, udp/123 20%");
}

static void what_would_turn_tracking_on_is_told_whatever_was_left_over(void **state)
{
	struct demand demand = { .known = true, .rules = 7 };
	struct situation s;

	set(&s);
	s.reading.active = ACTIVE_NO;
	s.reading.demand = &demand;
	assert_report(&s, "tracking:  not active in this network namespace: nothing is "
			  "tracked (entries are left over)\n           Of the 7 rules of "
			  "nf_tables here none needs it.\n");
	assert_line(&s, "1000/10000 10.0%  no forecast yet  not active  udp/53 70%, "
			"udp/123 20%");
	s.reading.usage.entries = 0;
	assert_report(&s, "nothing is tracked\n           Of the 7 rules");
	/* Rules that nobody read may exempt the probe alone. */
	strcpy(demand.legacy, "ip raw");
	assert_report(&s, "nothing is tracked\n           Of the 7 rules");
	s.reading.usage.entries = 5;
	assert_report(&s,
		      "tracking:  not known: a probe over loopback left no entry, but "
		      "there are others\n           Of the 7 rules of nf_tables here "
		      "none needs it.\n           There are tables of "
		      "iptables-legacy (ip raw)");
	demand.v6 = 1;
	assert_report(&s, "tracking:  not known: only rules of IPv6 need it");
	assert_no_report(&s, "none needs it");
}

static void the_probe_tells_whether_it_tracks_whatever_entries_there_are(void **state)
{
	const struct demand none = { .known = true };
	struct reading reading = { .active = ACTIVE_UNKNOWN, .demand = &none };

	for (uint32_t entries = 0; entries < 2; entries++) {
		reading.usage.entries = entries;
		reading.active = ACTIVE_UNKNOWN;
		assert_int_equal(view_tracking(&reading), TRACKING_UNKNOWN);
		reading.active = ACTIVE_NO;
		assert_int_equal(view_tracking(&reading), TRACKING_OFF);
		reading.active = ACTIVE_YES;
		assert_int_equal(view_tracking(&reading), TRACKING_ON);
	}
	reading.active = ACTIVE_NO;
	reading.demand = NULL;
	assert_int_equal(view_tracking(&reading), TRACKING_UNKNOWN);
}

static void the_next_overflow_is_told_in_words(void **state)
{
	struct situation s;

	set(&s);
	assert_report(&s,
		      "evictable: 100.0% (not assured): when full, new flows evict such "
		      "entries in silence\n");
	s.services.total.assured = 1000;
	assert_report(
		&s, "evictable: 0.0% (not assured): when full, new flows are dropped\n");
	/* Measured: of 200 flows into a table with 1.9 % of victims 55 got in, 145 were dropped. */
	s.services.total.assured = 981;
	assert_report(&s,
		      "evictable: 1.9% (not assured): when full, 74% of new flows are "
		      "dropped, the rest evict others\n");
	s.reading.buckets = 2 * s.reading.usage.limit;
	assert_report(&s, "86% of new flows are dropped");
	s.reading.sampled = false;
	assert_true(isnan(view_evictable(&s.reading)));
	assert_true(isnan(view_overflow_drops(&s.reading)));
}

static void counters_that_move_are_explained(void **state)
{
	struct text text = { 0 };
	struct situation s;

	set(&s);
	s.reading.counted = true;
	s.reading.counters.drop = 7;
	s.reading.counters.early_drop = 500;
	s.reading.since.early_drop = 300;
	assert_report(&s, "counters:  drop 7, early_drop 500, insert_failed 0, ");
	s.reading.since_s = 2;
	assert_report(&s, "\n  early_drop +150/s: the table was full: unassured entries");
	report_add(&s.view, &s.reading, &text);
	assert_null(strstr(text_str(&text), "packets lost"));
	text_free(&text);
}

static void a_line_has_the_forecast_and_the_top(void **state)
{
	struct situation s;

	set(&s);
	assert_line(&s, "1000/10000 10.0%  no forecast yet  udp/53 70%, udp/123 20%");
	s.reading.predicted = true;
	s.reading.slope = 123.4;
	s.reading.full_s = 72.9;
	s.reading.verdict = OUTLOOK_FILLS;
	s.reading.arrivals_per_s = 1234;
	assert_report(&s, "forecast:  full in 73 s (+123 entries/s, 1,234 new/s)\n");
	assert_line(&s, "1000/10000 10.0% +123/s  full in 73 s  udp/53 70%, udp/123 20%");
	s.reading.full_s = INFINITY;
	s.reading.verdict = OUTLOOK_SETTLES;
	s.reading.settles_at = 4321;
	s.view.top = 1;
	assert_line(&s, "1000/10000 10.0% +123/s  settles at 4,321 (43%)  udp/53 70%");
	s.reading.verdict = OUTLOOK_STEADY;
	s.reading.slope = -0.4;
	assert_line(&s, "1000/10000 10.0% +0/s  steady  udp/53 70%");
	s.reading.verdict = OUTLOOK_DRAINS;
	s.reading.slope = -55.5;
	assert_line(&s, "1000/10000 10.0% -56/s  draining to 4,321 (43%)  udp/53 70%");
	s.reading.settles_at = NAN;
	s.reading.slope = -5;
	s.reading.counted = true;
	s.reading.since.drop = 9;
	assert_line(&s,
		    "1000/10000 10.0% -5/s  draining  drop 9 early_drop 0  udp/53 70%");
}

static void a_limit_of_zero_is_no_division(void **state)
{
	struct situation s;

	set(&s);
	s.reading.usage = (struct table_usage){ 0 };
	s.reading.sampled = false;
	assert_line(&s, "0/0 0.0%  no forecast yet");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_report_has_the_largest_and_the_rest),
		cmocka_unit_test(what_was_asked_for_is_counted_to_the_entry),
		cmocka_unit_test(
			what_is_left_of_a_lease_is_told_to_the_second_for_ten_minutes),
		cmocka_unit_test(an_empty_table_has_no_rows),
		cmocka_unit_test(why_tracking_is_unknown_is_told),
		cmocka_unit_test(
			what_would_turn_tracking_on_is_told_whatever_was_left_over),
		cmocka_unit_test(
			the_probe_tells_whether_it_tracks_whatever_entries_there_are),
		cmocka_unit_test(the_next_overflow_is_told_in_words),
		cmocka_unit_test(counters_that_move_are_explained),
		cmocka_unit_test(a_line_has_the_forecast_and_the_top),
		cmocka_unit_test(a_limit_of_zero_is_no_division),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
