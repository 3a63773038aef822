// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "conntrack/canvas.h"
#include "conntrack/history.h"
#include "conntrack/keys.h"
#include "conntrack/panel.h"
#include "conntrack/untracked.h"
#include "conntrack/watch.h"
#include "lib/text.h"

static const uint64_t SECOND = 1000000000;

/* A table half full, of which everything is known. */
struct situation {
	struct canvas canvas;
	struct keys keys;
	struct attribute services;
	struct attribute sources;
	struct attribute states;
	struct process process[2];
	struct untracked untracked;
	struct history history;
	struct reading reading;
	struct panel panel;
	struct text text;
};

static void add_service(struct attribute *services, uint16_t port, uint32_t flows,
			uint64_t inode)
{
	services->rows[services->count++] = (struct attribute_row){
		.key = { .kind = ATTRIBUTE_IN, .proto = IPPROTO_UDP, .port = port },
		.inode = inode,
		.flows = flows,
		.unreplied = flows / 2,
	};
	services->total.flows += flows;
}

static void add_source(struct attribute *sources, uint32_t address, uint32_t flows)
{
	sources->rows[sources->count++] = (struct attribute_row){
		.key = { .kind = ATTRIBUTE_SOURCE,
			 .family = AF_INET,
			 .prefix_bits = 24,
			 .address.v4.s_addr = htonl(address) },
		.flows = flows,
		.assured = flows,
	};
}

static void set(struct situation *s, int width, int height)
{
	*s = (struct situation){
		.canvas.utf8 = true,
		.keys = { .interval_s = 1, .tables = 1 },
		.process = { { .inode = 7, .pid = 1, .name = "dns" },
			     { .inode = 8, .pid = 2, .count = 4, .name = "time" } },
		.reading = { .netns = "host",
			     .usage = { .entries = 150000, .limit = 262144 },
			     .active = ACTIVE_YES,
			     .counted = true,
			     .since = { .early_drop = 30 },
			     .since_s = 2,
			     .predicted = true,
			     .slope = 1234,
			     .verdict = OUTLOOK_FILLS,
			     .full_s = 91,
			     .settles_at = NAN,
			     .arrivals_per_s = 2000,
			     .sampled = true,
			     .sample = { .flows = 2000 },
			     .processes = 2 },
	};
	add_service(&s->services, 53, 1400, 7);
	add_service(&s->services, 123, 400, 8);
	add_service(&s->services, 9000, 200, 0);
	add_source(&s->sources, 0x0a080300, 1500);
	add_source(&s->sources, 0xc0000200, 500);
	s->states.rows[0] = (struct attribute_row){
		.key = { .kind = ATTRIBUTE_STATE, .proto = IPPROTO_UDP },
		.flows = 2000,
	};
	s->states.count = 1;
	s->reading.services = &s->services;
	s->reading.sources = &s->sources;
	s->reading.states = &s->states;
	s->reading.holders = &s->states;
	s->reading.process = s->process;
	s->reading.untracked = &s->untracked;
	for (uint64_t i = 0; i < 30; i++)
		history_add(&s->history, (1000 + i) * SECOND, SECOND,
			    (uint32_t)(i * 5000 + 5000));
	s->panel = (struct panel){ .reading = &s->reading,
				   .keys = &s->keys,
				   .history = &s->history,
				   .now_ns = 1029 * SECOND,
				   .clock = "21:44:24" };
	assert_int_equal(canvas_resize(&s->canvas, width, height), 0);
}

static struct grid_extent draw(struct situation *s)
{
	struct grid_extent extent = panel_draw(&s->canvas, &s->panel);

	text_free(&s->text);
	for (int row = 0; row < s->canvas.height; row++) {
		canvas_row(&s->canvas, row, &s->text);
		text_add(&s->text, "\n");
	}
	return extent;
}

static void assert_shows(const struct situation *s, const char *part)
{
	if (!strstr(text_str(&s->text), part))
		fail_msg("no \"%s\" in:\n%s", part, text_str(&s->text));
}

static void assert_hides(const struct situation *s, const char *part)
{
	if (strstr(text_str(&s->text), part))
		fail_msg("\"%s\" in:\n%s", part, text_str(&s->text));
}

static void end(struct situation *s)
{
	text_free(&s->text);
	canvas_free(&s->canvas);
}

static void all_parts_are_on_80_by_24(void **state)
{
	static const char *const PARTS[] = {
		"ctwatch  host",
		"every 1 s  21:44:24",
		"entries   57.2% full  150,000 of 262,144",
		"50% release",
		"80% engage",
		"forecast  full in 91 s (+1,234 entries/s, 2,000 new/s)  evictable 100%",
		"\u2588",
		" 150,000  57%",
		"65 s ago",
		"now\n",
		"early_drop 15 ",
		"drop 0 ",
		"search_restart 0",
		"untracked  nothing",
		"SERVICE by entries \u25bc",
		"udp/53                     70.0%  +-2.0   105,000   50%   50%    0% "
		"dns\n",
		"udp/123                    20.0%  +-1.8    30,000   50%   50%    0% "
		"time +3\n",
		"by source  10.8.3.0/24 75%, 192.0.2.0/24 25%\n",
		"by state   udp unreplied 100%\n",
		"h help  q quit  v view",
	};
	struct situation s;

	set(&s, 80, 24);
	draw(&s);
	for (size_t i = 0; i < sizeof(PARTS) / sizeof(PARTS[0]); i++)
		assert_shows(&s, PARTS[i]);
	end(&s);
}

static void a_small_screen_keeps_what_matters_most(void **state)
{
	struct situation s;

	set(&s, 60, 15);
	draw(&s);
	assert_shows(&s, "57.2% full");
	assert_shows(&s, "full in 91 s");
	assert_shows(&s, "early_drop 15");
	assert_shows(&s, "untracked  nothing");
	assert_shows(&s, "udp/9000");
	assert_shows(&s, "dns");
	assert_hides(&s, "s ago");
	canvas_resize(&s.canvas, 30, 6);
	draw(&s);
	assert_shows(&s, "57.2%");
	assert_shows(&s, "full in 91 s");
	end(&s);
}

static void a_large_screen_has_a_second_table(void **state)
{
	struct situation s;

	set(&s, 200, 60);
	draw(&s);
	assert_shows(&s, "SERVICE by entries");
	assert_shows(&s, "SOURCE by entries");
	assert_shows(&s, "10.8.3.0/24 ");
	assert_hides(&s, "by source");
	assert_shows(&s, "dns[1]");
	assert_shows(&s, "time[2] +3");
	assert_shows(&s, "3 min ago");
	end(&s);
}

static void without_utf8_it_is_all_ascii(void **state)
{
	struct situation s;

	set(&s, 100, 45);
	s.canvas.utf8 = false;
	draw(&s);
	for (const char *c = text_str(&s.text); *c; c++)
		assert_true((*c >= ' ' && *c <= '~') || *c == '\n');
	assert_shows(&s, "####");
	end(&s);
}

static void what_is_missing_is_said(void **state)
{
	struct situation s;

	set(&s, 80, 24);
	s.reading.missing = -EPERM;
	s.reading.counted = s.reading.sampled = false;
	s.reading.untracked = NULL;
	draw(&s);
	assert_shows(&s, "no CAP_NET_ADMIN: only entries and limit are known");
	assert_shows(&s, "counters are not known");
	s.reading.counted = true;
	draw(&s);
	assert_shows(&s, "no CAP_NET_ADMIN: only entries, limit and counters are known");
	assert_hides(&s, "counters are not known");
	assert_shows(&s, "untracked  not known");
	assert_shows(&s, "150,000 of 262,144");
	s.reading.missing = 0;
	s.reading.active = ACTIVE_NO;
	s.reading.usage.entries = 0;
	draw(&s);
	assert_shows(&s, "not active in this network namespace");
	end(&s);
}

static void an_empty_table_and_no_limit_are_no_division(void **state)
{
	struct situation s;

	set(&s, 80, 24);
	s.reading.usage = (struct table_usage){ 0 };
	s.reading.sample = (struct sample){ .complete = true };
	s.services.count = s.sources.count = s.states.count = 0;
	s.services.total.flows = 0;
	s.history = (struct history){ 0 };
	draw(&s);
	assert_shows(&s, "0.0% full  0 of 0");
	assert_shows(&s, "no live entries");
	assert_hides(&s, "nan");
	assert_hides(&s, "inf");
	end(&s);
}

static void views_and_sorts_choose_the_table(void **state)
{
	struct situation s;
	const char *dns, *time_at;

	set(&s, 80, 24);
	s.keys.by = VIEW_SOURCE;
	draw(&s);
	assert_shows(&s, "SOURCE by entries");
	assert_shows(&s, "by service udp/53 70%");
	s.keys.by = VIEW_SERVICE;
	s.keys.ranking.by = RANK_NAME;
	s.keys.ranking.reversed = true;
	draw(&s);
	assert_shows(&s, "SERVICE by name \u25b2");
	dns = strstr(text_str(&s.text), "udp/53 ");
	time_at = strstr(text_str(&s.text), "udp/9000 ");
	assert_true(dns && time_at && time_at < dns);
	end(&s);
}

static void a_filter_leaves_only_what_has_its_text(void **state)
{
	struct situation s;
	struct grid_extent extent;

	set(&s, 80, 24);
	s.services.other.flows = 10;
	extent = draw(&s);
	assert_int_equal(extent.rows, 4);
	assert_shows(&s, "\nother ");
	strcpy(s.keys.ranking.filter, "TIM");
	extent = draw(&s);
	assert_int_equal(extent.rows, 1);
	assert_shows(&s, "udp/123 ");
	assert_hides(&s, "udp/53 ");
	assert_hides(&s, "\nother ");
	assert_shows(&s, "only \"TIM\"");
	end(&s);
}

static void more_rows_than_fit_can_be_scrolled_to(void **state)
{
	struct situation s;
	struct grid_extent extent;

	set(&s, 80, 24);
	s.services.count = 0;
	for (uint16_t i = 0; i < 100; i++)
		add_service(&s.services, (uint16_t)(1000 + i), 1000u - i, 0);
	extent = draw(&s);
	assert_int_equal(extent.rows, 100);
	assert_in_range(extent.shown, 6, 9);
	assert_shows(&s, "udp/1000");
	keys_press(&s.keys, KEYS_END);
	keys_limit(&s.keys, extent.rows, extent.shown);
	draw(&s);
	assert_shows(&s, "udp/1099");
	assert_hides(&s, "udp/1000");
	end(&s);
}

static void pages_take_the_place_of_the_table(void **state)
{
	struct situation s;

	set(&s, 80, 24);
	keys_press(&s.keys, 'h');
	draw(&s);
	for (const struct keys_help *line = KEYS_HELP_LINES; line->keys; line++)
		assert_shows(&s, line->keys);
	keys_press(&s.keys, 'c');
	keys_press(&s.keys, 'c');
	draw(&s);
	for (size_t i = 0; i < TABLE_COUNTERS; i++)
		assert_shows(&s, TABLE_COUNTER[i].name);
	assert_shows(&s, "early_drop         15");
	s.untracked.count = 1;
	s.untracked.services[0] = (struct untracked_service){ .name = "udp/9000",
							      .ends = true,
							      .left_ms = 28000,
							      .rated = true,
							      .in_rate = 12345 };
	keys_press(&s.keys, 'u');
	draw(&s);
	assert_shows(&s, "udp/9000");
	assert_shows(&s, "12,345            0  lease 28 s");
	keys_press(&s.keys, 'u');
	draw(&s);
	assert_shows(&s, "untracked  udp/9000 12,345 packets/s, lease 28 s");
	end(&s);
}

static void a_prompt_shows_what_is_typed(void **state)
{
	struct situation s;

	set(&s, 80, 24);
	keys_press(&s.keys, '/');
	keys_press(&s.keys, 'x');
	draw(&s);
	assert_shows(&s, "show only: x");
	keys_press(&s.keys, '\n');
	keys_press(&s.keys, 'i');
	keys_press(&s.keys, '9');
	keys_press(&s.keys, 'x');
	keys_press(&s.keys, '\n');
	draw(&s);
	assert_shows(&s, "\"9x\"");
	end(&s);
}

static void no_name_controls_the_terminal(void **state)
{
	struct situation s;

	set(&s, 80, 24);
	s.reading.netns = "\x1b]0;owned\x07\r\n\x9b"
			  "31m";
	strcpy(s.process[0].name, "\x1b[2J\n\xff");
	strcpy(s.keys.ranking.filter, "");
	draw(&s);
	for (const char *c = text_str(&s.text); *c; c++)
		assert_true((unsigned char)*c >= ' ' || *c == '\n');
	assert_hides(&s, "\x9b");
	for (int i = 0; i < s.canvas.width * s.canvas.height; i++)
		assert_true(s.canvas.cells[i].rune >= ' ' &&
			    (s.canvas.cells[i].rune <= '~' ||
			     s.canvas.cells[i].rune >= 0x2000));
	end(&s);
}

/* Whatever size and state: the canvas' own bounds are checked by ASan. */
static void any_size_and_state_can_be_drawn(void **state)
{
	unsigned seed = (unsigned)time(NULL);
	struct situation s;

	print_message("seed %u\n", seed);
	set(&s, 80, 24);
	for (int i = 0; i < 3000; i++) {
		struct grid_extent extent;

		canvas_resize(&s.canvas, rand_r(&seed) % 250, rand_r(&seed) % 80);
		s.canvas.utf8 = rand_r(&seed) % 2;
		keys_press(&s.keys, rand_r(&seed) % (KEYS_OTHER + 1));
		s.reading.usage.entries = (uint32_t)rand_r(&seed) % 300000;
		s.reading.usage.limit = (uint32_t)rand_r(&seed) % 3 ? 262144 : 0;
		s.reading.sampled = rand_r(&seed) % 4;
		s.reading.full_s = rand_r(&seed) % 2 ? INFINITY : 5;
		s.panel.reading = rand_r(&seed) % 9 ? &s.reading : NULL;
		s.panel.now_ns += (uint64_t)rand_r(&seed);
		extent = panel_draw(&s.canvas, &s.panel);
		keys_limit(&s.keys, extent.rows, extent.shown);
	}
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_parts_are_on_80_by_24),
		cmocka_unit_test(a_small_screen_keeps_what_matters_most),
		cmocka_unit_test(a_large_screen_has_a_second_table),
		cmocka_unit_test(without_utf8_it_is_all_ascii),
		cmocka_unit_test(what_is_missing_is_said),
		cmocka_unit_test(an_empty_table_and_no_limit_are_no_division),
		cmocka_unit_test(views_and_sorts_choose_the_table),
		cmocka_unit_test(a_filter_leaves_only_what_has_its_text),
		cmocka_unit_test(more_rows_than_fit_can_be_scrolled_to),
		cmocka_unit_test(pages_take_the_place_of_the_table),
		cmocka_unit_test(a_prompt_shows_what_is_typed),
		cmocka_unit_test(no_name_controls_the_terminal),
		cmocka_unit_test(any_size_and_state_can_be_drawn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
