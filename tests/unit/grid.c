// SPDX-License-Identifier: GPL-2.0-or-later
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "conntrack/canvas.h"
#include "conntrack/grid.h"
#include "conntrack/watch.h"
#include "lib/text.h"

/* Three services and others, all of them sampled. */
struct situation {
	struct canvas canvas;
	struct attribute services;
	struct process process;
	struct ranking ranking;
	struct reading reading;
	struct grid grid;
	struct text text;
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

static void set(struct situation *s, int width, int height)
{
	*s = (struct situation){
		.canvas.utf8 = true,
		.process = { .inode = 7, .pid = 123, .count = 4, .name = "dns" },
		.reading = { .usage = { .entries = 1000, .limit = 10000 },
			     .sampled = true,
			     .sample = { .flows = 1000, .complete = true },
			     .processes = 1 },
	};
	add_service(&s->services, 53, 600, 300, 7);
	add_service(&s->services, 123, 200, 0, 0);
	add_service(&s->services, 9000, 100, 100, 0);
	s->services.rows[0].nat = 1;
	s->services.rows[1].assured = 200;
	s->services.other.flows = 100;
	s->reading.services = &s->services;
	s->reading.sources = s->reading.states = s->reading.holders = &s->services;
	s->reading.process = &s->process;
	s->grid = (struct grid){ .reading = &s->reading,
				 .by = VIEW_SERVICE,
				 .ranking = &s->ranking };
	assert_int_equal(canvas_resize(&s->canvas, width, height), 0);
}

static struct grid_extent draw(struct situation *s)
{
	struct chart_area area = { 0, 0, s->canvas.width, s->canvas.height };
	struct grid_extent extent;

	canvas_clear(&s->canvas);
	extent = grid_draw(&s->canvas, &area, &s->grid);
	text_free(&s->text);
	for (int row = 0; row < s->canvas.height; row++) {
		canvas_row(&s->canvas, row, &s->text);
		text_add(&s->text, "\n");
	}
	return extent;
}

static void assert_row(const struct situation *s, int row, const char *wanted)
{
	struct text text = { 0 };

	canvas_row(&s->canvas, row, &text);
	assert_string_equal(text_str(&text), wanted);
	text_free(&text);
}

static void assert_shows(const struct situation *s, const char *part, bool wanted)
{
	if (!strstr(text_str(&s->text), part) == wanted)
		fail_msg("%s \"%s\" in:\n%s", wanted ? "no" : "there is", part,
			 text_str(&s->text));
}

static void end(struct situation *s)
{
	text_free(&s->text);
	canvas_free(&s->canvas);
}

static void a_row_has_the_share_the_entries_and_who_it_is(void **state)
{
	struct situation s;
	struct grid_extent extent;

	set(&s, 100, 6);
	extent = draw(&s);
	assert_int_equal(extent.rows, 4);
	assert_int_equal(extent.shown, 5);
	assert_row(
		&s, 0,
		"SERVICE by entries \u25bc               share  error   entries unrep  "
		"repl assur process");
	assert_row(
		&s, 1,
		"udp/53                             60.0%  +-0.0       600   50%   50% "
		"   0% dns[123] +3 (NAT)");
	assert_row(
		&s, 2,
		"udp/123                            20.0%  +-0.0       200    0%    0% "
		" 100%");
	assert_shows(&s, "\nudp/9000   ", true);
	assert_shows(&s, "\nother      ", true);
	end(&s);
}

static void narrow_it_loses_columns_but_not_names_and_shares(void **state)
{
	struct situation s;

	set(&s, 80, 6);
	draw(&s);
	assert_shows(&s, "dns +3 (NAT)", true);
	assert_shows(&s, "[123]", false);
	end(&s);
	set(&s, 40, 6);
	draw(&s);
	assert_shows(&s, "udp/9000", true);
	assert_shows(&s, "10.0%", true);
	assert_shows(&s, "process", false);
	assert_shows(&s, "assur", false);
	end(&s);
	for (int width = 1; width < 130; width++) {
		set(&s, width, 6);
		draw(&s);
		/* Nothing is drawn beyond, and the first is known by name as long as names fit. */
		if (width > 20)
			assert_shows(&s, "\nudp/53 ", true);
		end(&s);
	}
}

static void the_order_and_the_first_row_are_those_asked_for(void **state)
{
	struct situation s;

	set(&s, 80, 3);
	s.ranking.by = RANK_UNREPLIED;
	s.ranking.reversed = true;
	draw(&s);
	assert_shows(&s, "SERVICE by unreplied \u25b2", true);
	s.ranking = (struct ranking){ .by = RANK_ENTRIES };
	s.grid.first = 1;
	assert_int_equal(draw(&s).shown, 2);
	assert_shows(&s, "udp/53 ", false);
	assert_shows(&s, "udp/123 ", true);
	assert_shows(&s, "udp/9000 ", true);
	/* Behind the last there is nothing. */
	s.grid.first = 3;
	draw(&s);
	assert_shows(&s, "other ", true);
	assert_row(&s, 2, "");
	s.canvas.utf8 = false;
	draw(&s);
	assert_shows(&s, "SERVICE by entries v", true);
	end(&s);
}

static void a_filter_leaves_others_out(void **state)
{
	struct situation s;

	set(&s, 80, 6);
	snprintf(s.ranking.filter, sizeof(s.ranking.filter), "DNS");
	assert_int_equal(draw(&s).rows, 1);
	assert_shows(&s, "udp/53 ", true);
	assert_shows(&s, "other", false);
	snprintf(s.ranking.filter, sizeof(s.ranking.filter), "nothing");
	assert_int_equal(draw(&s).rows, 0);
	assert_shows(&s, "SERVICE", true);
	end(&s);
}

static void a_line_has_as_many_as_fit_whole(void **state)
{
	struct situation s;

	set(&s, 44, 1);
	grid_draw_line(&s.canvas, 0, &s.grid);
	assert_row(&s, 0, "by service udp/53 60%, udp/123 20%");
	end(&s);
	set(&s, 80, 1);
	grid_draw_line(&s.canvas, 0, &s.grid);
	assert_row(&s, 0, "by service udp/53 60%, udp/123 20%, udp/9000 10%");
	s.grid.by = VIEW_STATE;
	canvas_clear(&s.canvas);
	grid_draw_line(&s.canvas, 0, &s.grid);
	assert_row(&s, 0, "by state   udp/53 60%, udp/123 20%, udp/9000 10%");
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_row_has_the_share_the_entries_and_who_it_is),
		cmocka_unit_test(narrow_it_loses_columns_but_not_names_and_shares),
		cmocka_unit_test(the_order_and_the_first_row_are_those_asked_for),
		cmocka_unit_test(a_filter_leaves_others_out),
		cmocka_unit_test(a_line_has_as_many_as_fit_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
