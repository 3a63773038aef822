// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "conntrack/canvas.h"
#include "lib/text.h"

static void assert_row(const struct canvas *canvas, int row, const char *wanted)
{
	struct text text = { 0 };

	canvas_row(canvas, row, &text);
	assert_string_equal(text_str(&text), wanted);
	text_free(&text);
}

static void what_lies_outside_is_cut_off(void **state)
{
	struct canvas canvas = { 0 };

	assert_int_equal(canvas_resize(&canvas, 10, 2), 0);
	assert_int_equal(canvas_add(&canvas, 0, 7, STYLE_PLAIN, "%s", "abcdef"), 13);
	canvas_add(&canvas, 1, -2, STYLE_PLAIN, "abc");
	canvas_add(&canvas, 2, 0, STYLE_PLAIN, "abc");
	canvas_add(&canvas, -1, 0, STYLE_PLAIN, "abc");
	canvas_paint(&canvas, 1, 5, 100, STYLE_ALARM);
	assert_row(&canvas, 0, "       abc");
	assert_row(&canvas, 1, "c");
	assert_int_equal(canvas.cells[19].style, STYLE_ALARM);
	canvas_free(&canvas);
}

static void nothing_that_controls_a_terminal_gets_in(void **state)
{
	struct canvas canvas = { .utf8 = true };
	char hostile[257];

	for (int i = 0; i < 256; i++)
		hostile[i] = (char)(i + 1);
	hostile[255] = '\x1b';
	hostile[256] = '\0';
	assert_int_equal(canvas_resize(&canvas, 300, 2), 0);
	canvas_add(&canvas, 0, 0, STYLE_PLAIN, "%s", hostile);
	canvas_fit(&canvas, 1, 0, 299, STYLE_PLAIN, hostile);
	for (int i = 0; i < 600; i++) {
		assert_true(canvas.cells[i].rune >= ' ');
		assert_true(canvas.cells[i].rune <= '~');
	}
	canvas_free(&canvas);
}

static void what_is_too_long_says_so(void **state)
{
	struct canvas canvas = { 0 };

	canvas_resize(&canvas, 20, 2);
	assert_int_equal(canvas_fit(&canvas, 0, 1, 5, STYLE_PLAIN, "abcde"), 6);
	canvas_fit(&canvas, 1, 1, 5, STYLE_PLAIN, "abcdef");
	assert_row(&canvas, 0, " abcde");
	assert_row(&canvas, 1, " abcd~");
	assert_int_equal(canvas_fit(&canvas, 0, 7, 0, STYLE_PLAIN, "x"), 7);
	assert_int_equal(canvas_fit(&canvas, 0, 7, -5, STYLE_PLAIN, "x"), 7);
	assert_row(&canvas, 0, " abcde");
	canvas.utf8 = true;
	canvas_fit(&canvas, 1, 1, 5, STYLE_PLAIN, "abcdef");
	assert_row(&canvas, 1, " abcd\u2026");
	canvas_free(&canvas);
}

static void its_size_is_bounded(void **state)
{
	struct canvas canvas = { 0 };

	assert_int_equal(canvas_resize(&canvas, 100000, -3), 0);
	assert_int_equal(canvas.width, CANVAS_WIDTH_MAX);
	assert_int_equal(canvas.height, 1);
	canvas_free(&canvas);
	assert_null(canvas.cells);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_lies_outside_is_cut_off),
		cmocka_unit_test(nothing_that_controls_a_terminal_gets_in),
		cmocka_unit_test(what_is_too_long_says_so),
		cmocka_unit_test(its_size_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
