// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "conntrack/canvas.h"
#include "conntrack/demand.h"
#include "conntrack/keys.h"
#include "conntrack/margin.h"
#include "conntrack/panel.h"
#include "conntrack/watch.h"
#include "lib/text.h"

struct situation {
	struct canvas canvas;
	struct keys keys;
	struct reading reading;
	struct panel panel;
};

static void set(struct situation *s, int width)
{
	*s = (struct situation){
		.keys = { .interval_s = 0.5, .tables = 1 },
		.reading = { .netns = "box", .active = ACTIVE_YES },
	};
	s->panel = (struct panel){ .reading = &s->reading,
				   .keys = &s->keys,
				   .clock = "21:44:24" };
	assert_int_equal(canvas_resize(&s->canvas, width, 1), 0);
	canvas_clear(&s->canvas);
}

static void assert_row(struct situation *s, const char *wanted)
{
	struct text text = { 0 };

	canvas_row(&s->canvas, 0, &text);
	assert_string_equal(text_str(&text), wanted);
	text_free(&text);
	canvas_clear(&s->canvas);
}

static void the_title_says_where_and_how_often(void **state)
{
	struct situation s;

	set(&s, 50);
	margin_title(&s.canvas, 0, &s.panel);
	assert_row(&s, "ctwatch  box                 every 0.5 s  21:44:24");
	s.keys.tables = 12;
	s.keys.table = 2;
	s.keys.interval_s = 60;
	margin_title(&s.canvas, 0, &s.panel);
	assert_row(&s, "ctwatch  box (3 of 12)        every 60 s  21:44:24");
	s.keys.interval_s = 1200;
	margin_title(&s.canvas, 0, &s.panel);
	assert_row(&s, "ctwatch  box (3 of 12)      every 20 min  21:44:24");
	s.keys.interval_s = 3600;
	s.panel.reading = NULL;
	margin_title(&s.canvas, 0, &s.panel);
	assert_row(&s, "ctwatch                     every 60 min  21:44:24");
	canvas_free(&s.canvas);
}

static void that_it_is_paused_is_left_on_the_narrowest_screen(void **state)
{
	struct situation s;

	for (int width = 17; width < 60; width++) {
		struct text text = { 0 };

		set(&s, width);
		s.keys.paused = true;
		margin_title(&s.canvas, 0, &s.panel);
		canvas_row(&s.canvas, 0, &text);
		assert_non_null(strstr(text_str(&text), "PAUSED"));
		text_free(&text);
		canvas_free(&s.canvas);
	}
}

static void assert_warns(struct situation *s, const char *wanted)
{
	assert_true(margin_warning(&s->canvas, 0, &s->panel));
	assert_row(s, wanted);
}

static void warnings_come_in_the_order_of_what_they_mean(void **state)
{
	struct demand demand = { .v6 = 1, .needs_in = "ip6 fw" };
	struct situation s;

	set(&s, 120);
	assert_false(margin_warning(&s.canvas, 0, &s.panel));
	assert_row(&s, "");
	s.reading.active = ACTIVE_NO;
	assert_warns(&s, "tracking is not active in this network namespace: nothing is "
			 "tracked");
	s.reading.demand = &demand;
	assert_warns(&s, "is tracking active? only rules of IPv6 need it (table ip6 fw); "
			 "the probe went over IPv4");
	s.reading.active = ACTIVE_UNKNOWN;
	assert_warns(&s, "is tracking active? could not send a probe over loopback");
	s.reading.missing = -EPROTONOSUPPORT;
	assert_warns(&s, "no answer by netlink: only entries and limit are known");
	s.reading.missing = -EPERM;
	assert_warns(&s, "no CAP_NET_ADMIN: only entries and limit are known");
	s.reading.counted = true;
	assert_warns(&s, "no CAP_NET_ADMIN: only entries, limit and counters are known");
	s.panel.notice = "network namespace box is gone";
	assert_warns(&s, "network namespace box is gone");
	canvas_free(&s.canvas);
}

static void hints_are_whole_or_not_there(void **state)
{
	struct situation s;

	set(&s, 40);
	margin_keys(&s.canvas, 0, &s.panel);
	assert_row(&s, "h help  q quit  v view  s sort  / filter");
	canvas_free(&s.canvas);
	set(&s, 120);
	snprintf(s.keys.ranking.filter, sizeof(s.keys.ranking.filter), "dns");
	margin_keys(&s.canvas, 0, &s.panel);
	assert_row(&s,
		   "only \"dns\" (Esc: all)  h help  q quit  v view  s sort  r reverse  "
		   "/ filter  c counters  u untracked  p pause");
	canvas_free(&s.canvas);
}

static void a_prompt_or_a_complaint_takes_their_place(void **state)
{
	struct situation s;

	set(&s, 60);
	s.keys.prompt = PROMPT_FILTER;
	snprintf(s.keys.input, sizeof(s.keys.input), "ngi");
	margin_keys(&s.canvas, 0, &s.panel);
	assert_row(&s, "show only: ngi  part of a name or process; Enter, Esc");
	s.keys.prompt = PROMPT_INTERVAL;
	margin_keys(&s.canvas, 0, &s.panel);
	assert_row(&s, "every: ngi  such as 250ms, 2s, 1m; Enter, Esc");
	s.keys.prompt = PROMPT_NONE;
	snprintf(s.keys.complaint.text, sizeof(s.keys.complaint.text), "\"x\" is bad");
	margin_keys(&s.canvas, 0, &s.panel);
	assert_row(&s, "\"x\" is bad");
	canvas_free(&s.canvas);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_title_says_where_and_how_often),
		cmocka_unit_test(that_it_is_paused_is_left_on_the_narrowest_screen),
		cmocka_unit_test(warnings_come_in_the_order_of_what_they_mean),
		cmocka_unit_test(hints_are_whole_or_not_there),
		cmocka_unit_test(a_prompt_or_a_complaint_takes_their_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
