// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "conntrack/canvas.h"
#include "conntrack/chart.h"
#include "conntrack/keys.h"
#include "conntrack/page.h"
#include "conntrack/untracked.h"
#include "conntrack/watch.h"
#include "lib/text.h"

/* A canvas on which one page is drawn. */
struct sheet {
	struct canvas canvas;
	struct chart_area area;
	struct text text;
};

static void open_sheet(struct sheet *sheet, int width, int height)
{
	*sheet = (struct sheet){ .area = { 0, 0, width, height } };
	assert_int_equal(canvas_resize(&sheet->canvas, width, height), 0);
	canvas_clear(&sheet->canvas);
}

static void close_sheet(struct sheet *sheet)
{
	text_free(&sheet->text);
	canvas_free(&sheet->canvas);
}

static void assert_shows(struct sheet *sheet, const char *part)
{
	text_free(&sheet->text);
	for (int row = 0; row < sheet->canvas.height; row++) {
		canvas_row(&sheet->canvas, row, &sheet->text);
		text_add(&sheet->text, "\n");
	}
	if (!strstr(text_str(&sheet->text), part))
		fail_msg("no \"%s\" in:\n%s", part, text_str(&sheet->text));
}

static void each_counter_has_its_rate_its_total_and_a_sentence(void **state)
{
	const struct reading reading = {
		.counted = true,
		.counters = { .drop = 77, .insert = 5 },
		.since = { .drop = 6 },
		.since_s = 2,
	};
	struct sheet sheet;

	open_sheet(&sheet, 130, 30);
	page_counters(&sheet.canvas, &sheet.area, &reading);
	assert_shows(&sheet, "COUNTER         per s      total what it means\n");
	assert_shows(&sheet, "\ndrop                3         77 ");
	assert_shows(&sheet, "\ninsert              0          5 ");
	for (size_t i = 0; i < TABLE_COUNTERS; i++)
		assert_shows(&sheet, TABLE_COUNTER[i].name);
	close_sheet(&sheet);
}

static void sentences_are_broken_between_words(void **state)
{
	const struct reading reading = { .counted = true };
	struct sheet sheet;

	open_sheet(&sheet, 72, 40);
	page_counters(&sheet.canvas, &sheet.area, &reading);
	/* Each word of each is there, whole, on one line or another. */
	for (size_t i = 0; i < TABLE_COUNTERS; i++) {
		char words[256], *rest = words, *word;

		assert_true(strlen(TABLE_COUNTER[i].meaning) < sizeof(words));
		memcpy(words, TABLE_COUNTER[i].meaning,
		       strlen(TABLE_COUNTER[i].meaning) + 1);
		while ((word = strsep(&rest, " ")))
			assert_shows(&sheet, word);
	}
	close_sheet(&sheet);
	/* Where columns would be ribbons, a sentence has lines of its own. */
	open_sheet(&sheet, 50, 60);
	page_counters(&sheet.canvas, &sheet.area, &reading);
	assert_shows(&sheet, "COUNTER         per s      total\n");
	assert_shows(&sheet, "\n  ");
	close_sheet(&sheet);
}

static void no_page_writes_outside_its_area(void **state)
{
	struct untracked untracked = { .count = 3 };
	const struct reading reading = { .counted = true, .untracked = &untracked };

	for (size_t i = 0; i < untracked.count; i++)
		memset(untracked.services[i].name, 'x', SERVICE_TEXT_MAX - 1);
	for (int width = 1; width < 120; width += 7) {
		for (int height = 1; height < 12; height++) {
			struct sheet sheet;

			/* The canvas has no room for more: what is outside is out of bounds. */
			open_sheet(&sheet, width, height);
			page_counters(&sheet.canvas, &sheet.area, &reading);
			page_untracked(&sheet.canvas, &sheet.area, &reading);
			page_help(&sheet.canvas, &sheet.area);
			close_sheet(&sheet);
			open_sheet(&sheet, width, height + 1);
			sheet.area.height = height;
			page_help(&sheet.canvas, &sheet.area);
			canvas_row(&sheet.canvas, height, &sheet.text);
			assert_string_equal(text_str(&sheet.text), "");
			close_sheet(&sheet);
		}
	}
}

static void untracked_services_have_their_packets_and_leases(void **state)
{
	struct untracked untracked = {
		.count = 2,
		.services = { { .name = "udp/53",
				.rated = true,
				.in_rate = 1234,
				.out_rate = 5,
				.ends = true,
				.left_ms = 9500 },
			      { .name = "tcp/80" } },
	};
	struct reading reading = { .untracked = &untracked };
	struct sheet sheet;

	open_sheet(&sheet, 100, 8);
	page_untracked(&sheet.canvas, &sheet.area, &reading);
	assert_shows(&sheet, "        1,234            5  lease 9.5 s\n");
	assert_shows(&sheet, "            ?            ?  for ever\n");
	canvas_clear(&sheet.canvas);
	untracked.count = 0;
	page_untracked(&sheet.canvas, &sheet.area, &reading);
	assert_shows(&sheet, "nothing is untracked by table inet ctkit\n");
	canvas_clear(&sheet.canvas);
	reading.untracked = NULL;
	page_untracked(&sheet.canvas, &sheet.area, &reading);
	assert_shows(&sheet, "what is untracked is not known\n");
	close_sheet(&sheet);
}

static void the_help_has_every_key(void **state)
{
	struct sheet sheet;

	open_sheet(&sheet, 80, 40);
	page_help(&sheet.canvas, &sheet.area);
	assert_shows(&sheet, "KEYS            any key but q goes back\n");
	for (const struct keys_help *line = KEYS_HELP_LINES; line->keys; line++)
		assert_shows(&sheet, line->keys);
	close_sheet(&sheet);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_counter_has_its_rate_its_total_and_a_sentence),
		cmocka_unit_test(sentences_are_broken_between_words),
		cmocka_unit_test(no_page_writes_outside_its_area),
		cmocka_unit_test(untracked_services_have_their_packets_and_leases),
		cmocka_unit_test(the_help_has_every_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
