// SPDX-License-Identifier: GPL-2.0-or-later
#include <math.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conntrack/families.h"
#include "conntrack/labels.h"
#include "conntrack/rollcall.h"
#include "conntrack/watch.h"
#include "lib/text.h"

/* A table of which everything is known: half of it is in the sample. */
struct situation {
	struct attribute services;
	struct attribute states;
	struct labels labels;
	struct rollcall_list asked;
	struct rollcall called;
	struct reading reading;
	struct families_table table;
	struct text text;
};

static void add_state(struct attribute *states, uint8_t proto, uint16_t state,
		      uint32_t flows)
{
	states->rows[states->count++] = (struct attribute_row){
		.key = { .kind = ATTRIBUTE_STATE, .proto = proto, .state = state },
		.flows = flows,
	};
}

static void set(struct situation *s)
{
	*s = (struct situation){
		.labels = { .count = 1,
			    .label = { { .key = { .kind = ATTRIBUTE_OUT,
						  .proto = IPPROTO_UDP,
						  .port = 53 },
					 .flows = 60 } },
			    .other = 40 },
		.reading = { .netns = "den[17]",
			     .usage = { .entries = 200, .limit = 800 },
			     .active = ACTIVE_YES,
			     .counted = true,
			     .totals = { 5000000000, 6, 7, 8, 9, 10, 11, 12, 13, 14 },
			     .interrupted = 3,
			     .overruns = 4,
			     .predicted = true,
			     .verdict = OUTLOOK_FILLS,
			     .full_s = 12.5,
			     .settles_at = NAN,
			     .sampled = true,
			     .sample = { .flows = 100 },
			     .sample_age_s = 1.5 },
	};
	s->services.total = (struct attribute_row){ .flows = 100, .assured = 25 };
	add_state(&s->states, IPPROTO_UDP, STATE_UNREPLIED, 50);
	add_state(&s->states, IPPROTO_ICMP, STATE_REPLIED, 30);
	s->states.other.flows = 20;
	s->reading.services = &s->services;
	s->reading.states = &s->states;
	s->table = (struct families_table){ &s->reading, &s->labels, "den" };
}

static const char *write_page(struct situation *s, bool several)
{
	text_free(&s->text);
	families_add(&s->table, 1, several, &s->text);
	return text_str(&s->text);
}

static void assert_has(const char *page, const char *line)
{
	const char *found = strstr(page, line);

	if (!found || (found > page && found[-1] != '\n'))
		fail_msg("no line \"%s\" in:\n%s", line, page);
}

static void assert_lacks(const char *page, const char *part)
{
	if (strstr(page, part))
		fail_msg("\"%s\" in:\n%s", part, page);
}

static void a_table_of_which_all_is_known_has_all_families(void **state)
{
	struct situation s;
	const char *page;

	set(&s);
	page = write_page(&s, false);
	assert_has(page, "# TYPE ctkit_conntrack_entries gauge\n");
	assert_has(page, "ctkit_conntrack_entries 200\n");
	assert_has(page, "ctkit_conntrack_entries_limit 800\n");
	assert_has(page, "ctkit_conntrack_fill_ratio 0.25\n");
	assert_has(page, "ctkit_conntrack_netlink_up 1\n");
	assert_has(page, "ctkit_conntrack_active 1\n");
	assert_has(page, "ctkit_conntrack_forecast_full_seconds 12.5\n");
	assert_has(page, "ctkit_conntrack_evictable_ratio 0.75\n");
	assert_has(page, "ctkit_conntrack_sampled_entries 100\n");
	assert_has(page, "ctkit_conntrack_sample_age_seconds 1.5\n");
	/* They do not wrap; the first counters are those of losses. */
	assert_has(page, "# TYPE ctkit_conntrack_drop_total counter\n");
	assert_has(page, "ctkit_conntrack_drop_total 5000000000\n");
	assert_has(page, "ctkit_conntrack_early_drop_total 6\n");
	assert_has(page, "ctkit_conntrack_insert_total 14\n");
	assert_has(page, "ctkit_conntrack_dumps_interrupted_total 3\n");
	assert_has(page, "ctkit_conntrack_netlink_overruns_total 4\n");
	text_free(&s.text);
}

static void shares_of_the_sample_are_of_all_entries(void **state)
{
	struct situation s;
	const char *page;

	set(&s);
	page = write_page(&s, false);
	assert_has(page, "ctkit_conntrack_service_entries{service=\"out:udp/53\","
			 "direction=\"out\"} 120\n");
	assert_has(page, "ctkit_conntrack_service_entries{service=\"other\","
			 "direction=\"other\"} 80\n");
	/* Of protocols a sender can choose only two have a name. */
	assert_has(page, "ctkit_conntrack_state_entries{state=\"udp unreplied\"} 100\n");
	assert_has(page, "ctkit_conntrack_state_entries{state=\"other\"} 100\n");
	assert_lacks(page, "icmp");
	text_free(&s.text);
}

static void of_several_tables_each_sample_tells_its_namespace(void **state)
{
	struct situation s, other;
	struct families_table tables[2];
	struct text text = { 0 };
	const char *page, *first;

	set(&s);
	set(&other);
	other.table.netns = "a \"b\"";
	other.reading.counted = false;
	tables[0] = s.table;
	tables[1] = other.table;
	families_add(tables, 2, true, &text);
	page = text_str(&text);
	assert_has(page, "ctkit_conntrack_entries{netns=\"den\"} 200\n");
	assert_has(page, "ctkit_conntrack_entries{netns=\"a \\\"b\\\"\"} 200\n");
	assert_has(page,
		   "ctkit_conntrack_service_entries{netns=\"den\",service=\"other\","
		   "direction=\"other\"} 80\n");
	assert_has(page, "ctkit_conntrack_drop_total{netns=\"den\"} 5000000000\n");
	assert_lacks(page, "ctkit_conntrack_drop_total{netns=\"a");
	/* A family is one block. */
	first = strstr(page, "# TYPE ctkit_conntrack_entries gauge");
	assert_null(strstr(first + 1, "# TYPE ctkit_conntrack_entries gauge"));
	text_free(&text);
}

static void what_is_not_known_has_no_sample(void **state)
{
	struct situation s;
	const char *page;

	set(&s);
	s.reading.missing = -1;
	s.reading.active = ACTIVE_UNKNOWN;
	s.reading.usage = (struct table_usage){ .entries = 5 };
	s.reading.counted = s.reading.sampled = s.reading.predicted = false;
	s.reading.verdict = OUTLOOK_UNKNOWN;
	page = write_page(&s, false);
	assert_has(page, "ctkit_conntrack_entries 5\n");
	assert_has(page, "ctkit_conntrack_netlink_up 0\n");
	assert_lacks(page, "_active");
	assert_lacks(page, "fill_ratio");
	assert_lacks(page, "forecast");
	assert_lacks(page, "evictable");
	assert_lacks(page, "sample");
	assert_lacks(page, "_total");
	assert_lacks(page, "service");
	assert_lacks(page, "state_entries");
	text_free(&s.text);
}

static void never_is_infinite_and_full_is_now(void **state)
{
	struct situation s;

	set(&s);
	s.reading.verdict = OUTLOOK_SETTLES;
	s.reading.full_s = INFINITY;
	s.reading.settles_at = 300;
	assert_has(write_page(&s, false), "ctkit_conntrack_forecast_full_seconds +Inf\n");
	assert_has(text_str(&s.text), "ctkit_conntrack_forecast_settles_entries 300\n");
	s.reading.verdict = OUTLOOK_FULL;
	assert_has(write_page(&s, false), "ctkit_conntrack_forecast_full_seconds 0\n");
	text_free(&s.text);
}

static void services_that_were_asked_for_are_counted(void **state)
{
	struct situation s;

	set(&s);
	s.asked = (struct rollcall_list){
		.count = 1,
		.service = { { .proto = IPPROTO_TCP,
			       .first_port = 22,
			       .last_port = 22 } },
	};
	s.called = (struct rollcall){ .asked = &s.asked, .row = { { .flows = 3 } } };
	assert_lacks(write_page(&s, false), "counted_entries");
	s.reading.called = &s.called;
	assert_has(
		write_page(&s, true),
		"ctkit_conntrack_counted_entries{netns=\"den\",service=\"tcp/22\"} 3\n");
	text_free(&s.text);
}

static void node_exporters_names_have_its_types(void **state)
{
	struct text text = { 0 };
	struct situation s;
	const char *page;

	set(&s);
	families_add_node(&s.reading, &text);
	page = text_str(&text);
	assert_has(page, "node_nf_conntrack_entries 200\n");
	assert_has(page, "node_nf_conntrack_entries_limit 800\n");
	assert_has(page, "# TYPE node_nf_conntrack_stat_drop gauge\n");
	assert_has(page, "node_nf_conntrack_stat_drop 5000000000\n");
	assert_has(page, "node_nf_conntrack_stat_insert 14\n");
	assert_has(page, "node_nf_conntrack_stat_ignore 0\n");
	text_free(&text);
	s.reading.counted = false;
	families_add_node(&s.reading, &text);
	assert_lacks(text_str(&text), "stat");
	text_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_of_which_all_is_known_has_all_families),
		cmocka_unit_test(shares_of_the_sample_are_of_all_entries),
		cmocka_unit_test(of_several_tables_each_sample_tells_its_namespace),
		cmocka_unit_test(what_is_not_known_has_no_sample),
		cmocka_unit_test(never_is_infinite_and_full_is_now),
		cmocka_unit_test(services_that_were_asked_for_are_counted),
		cmocka_unit_test(node_exporters_names_have_its_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
