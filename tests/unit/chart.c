// SPDX-License-Identifier: GPL-2.0-or-later
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "conntrack/canvas.h"
#include "conntrack/chart.h"
#include "conntrack/history.h"
#include "lib/text.h"

static const uint64_t SECOND = 1000000000;

static void assert_row(const struct canvas *canvas, int row, const char *wanted)
{
	struct text text = { 0 };

	canvas_row(canvas, row, &text);
	assert_string_equal(text_str(&text), wanted);
	text_free(&text);
}

static void a_bar_fills_by_eighths_and_has_its_marks(void **state)
{
	const struct chart_area area = { 0, 0, 20, 1 };
	struct canvas canvas = { .utf8 = true };

	canvas_resize(&canvas, 20, 1);
	chart_fill(&canvas, &area, 0.125);
	assert_row(&canvas, 0,
		   "\u2588\u2588\u258c\u2591\u2591\u2591\u2591\u2591\u2591\u2591\u2502"
		   "\u2591\u2591\u2591\u2591\u2591\u2502\u2591\u2591\u2591");
	canvas.utf8 = false;
	chart_fill(&canvas, &area, 0.9);
	assert_row(&canvas, 0, "##########|#####|#..");
	assert_int_equal(canvas.cells[0].style, STYLE_ALARM_BLOCK);
	chart_fill(&canvas, &area, 0.6);
	assert_int_equal(canvas.cells[0].style, STYLE_WARN);
	/* Counts may pass the limit for a moment, and a limit of 0 is not known. */
	chart_fill(&canvas, &area, 1.01);
	assert_row(&canvas, 0, "##########|#####|###");
	chart_fill(&canvas, &area, -1);
	assert_row(&canvas, 0, "..........|.....|...");
	canvas_free(&canvas);
}

static void a_chart_ends_at_its_peak_and_tells_its_scale(void **state)
{
	const struct chart_area area = { 0, 0, 20, 4 };
	struct chart_span span = { 105 * SECOND, SECOND, 1000 };
	struct canvas canvas = { 0 };
	struct history history = { 0 };

	canvas_resize(&canvas, 20, 4);
	for (uint64_t i = 0; i < 4; i++)
		history_add(&history, (102 + i) * SECOND, SECOND, (uint32_t)(100 * i));
	chart_history(&canvas, &area, &history, &span);
	assert_row(&canvas, 0, "      300  30%     #");
	assert_row(&canvas, 1, "      200  20%    ##");
	assert_row(&canvas, 2, "                 ###");
	canvas_free(&canvas);
}

static void what_was_not_looked_at_is_blank(void **state)
{
	const struct chart_area area = { 0, 0, 19, 2 };
	struct chart_span span = { 103 * SECOND, SECOND, 1000 };
	struct canvas canvas = { 0 };
	struct history history = { 0 };

	canvas_resize(&canvas, 19, 2);
	history_add(&history, 100 * SECOND, SECOND, 4);
	chart_history(&canvas, &area, &history, &span);
	assert_row(&canvas, 0, "        4   0% #");
	history_add(&history, 103 * SECOND, SECOND, 1);
	canvas_clear(&canvas);
	chart_history(&canvas, &area, &history, &span);
	assert_row(&canvas, 0, "        4   0% #...");
	canvas_free(&canvas);
}

static void the_marks_run_across_where_the_scale_has_them(void **state)
{
	const struct chart_area area = { 0, 0, 19, 11 };
	struct chart_span span = { 101 * SECOND, SECOND, 1000 };
	struct canvas canvas = { 0 };
	struct history history = { 0 };

	canvas_resize(&canvas, 19, 11);
	history_add(&history, 100 * SECOND, SECOND, 1000);
	history_add(&history, 101 * SECOND, SECOND, 1);
	chart_history(&canvas, &area, &history, &span);
	assert_row(&canvas, 1, "               --#-");
	assert_row(&canvas, 4, "               --#-");
	assert_row(&canvas, 2, "                 #");
	canvas_free(&canvas);
}

static void no_room_and_no_limit_are_survived(void **state)
{
	struct chart_span span = { 100 * SECOND, SECOND, 0 };
	struct canvas canvas = { 0 };
	struct history history = { 0 };

	canvas_resize(&canvas, 40, 10);
	history_add(&history, 100 * SECOND, SECOND, UINT32_MAX);
	for (int width = -5; width < 40; width++) {
		for (int height = -1; height < 12; height++) {
			const struct chart_area area = { 0, 0, width, height };

			chart_history(&canvas, &area, &history, &span);
			chart_fill(&canvas, &area, NAN);
		}
	}
	canvas_free(&canvas);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bar_fills_by_eighths_and_has_its_marks),
		cmocka_unit_test(a_chart_ends_at_its_peak_and_tells_its_scale),
		cmocka_unit_test(what_was_not_looked_at_is_blank),
		cmocka_unit_test(the_marks_run_across_where_the_scale_has_them),
		cmocka_unit_test(no_room_and_no_limit_are_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
