// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/page.h"

#include <string.h>

#include "conntrack/canvas.h"
#include "conntrack/chart.h"
#include "conntrack/keys.h"
#include "conntrack/untracked.h"
#include "conntrack/view.h"
#include "conntrack/watch.h"
#include "lib/text.h"

enum { KEYS_COLUMNS = 16, COUNTER_COLUMNS = 33 };

enum { NAME_COLUMNS = 40, RATE_COLUMNS = 12, LEASE_COLUMNS = 14 };

/* Text over several rows, broken between words. Returns the row after it. */
static int put_wrapped(struct canvas *canvas, const struct chart_area *area, int row,
		       int column, const char *text)
{
	int width = area->column + area->width - column;

	while (*text && row < area->row + area->height && width > 0) {
		int length = (int)strlen(text);

		if (length > width) {
			length = width;
			while (length > 0 && text[length] != ' ')
				length--;
			length = length ? length : width;
		}
		canvas_add(canvas, row++, column, STYLE_PLAIN, "%.*s", length, text);
		text += length;
		text += strspn(text, " ");
	}
	return row;
}

void page_counters(struct canvas *canvas, const struct chart_area *area,
		   const struct reading *reading)
{
	/* Where sentences would be in ribbons, they get lines of their own. */
	bool narrow = area->width < 2 * COUNTER_COLUMNS;
	int row = area->row, end = area->row + area->height;

	canvas_add(canvas, row, area->column, STYLE_PLAIN, "%-14s %6s %10s %s", "COUNTER",
		   "per s", "total", narrow ? "" : "what it means");
	canvas_paint(canvas, row++, area->column, area->width, STYLE_HEADING);
	for (size_t i = 0; i < TABLE_COUNTERS && row < end; i++) {
		const struct table_counter *counter = &TABLE_COUNTER[i];
		uint32_t gained = table_counter_value(&reading->since, counter);
		double rate = reading->since_s > 0 ? gained / reading->since_s : 0;

		canvas_add(canvas, row, area->column, gained ? STYLE_STRONG : STYLE_PLAIN,
			   "%-14s %6.0f %10u", counter->name, rate,
			   table_counter_value(&reading->counters, counter));
		row = put_wrapped(canvas, area, narrow ? row + 1 : row,
				  area->column + (narrow ? 2 : COUNTER_COLUMNS),
				  counter->meaning);
	}
}

/* Its rates are known from the second look on. */
static void put_untracked(struct canvas *canvas, int row, int column, int width,
			  const struct untracked_service *service)
{
	char in[VIEW_COUNT_MAX] = "?", out[VIEW_COUNT_MAX] = "?";
	struct text lease = { 0 };

	if (service->rated) {
		view_count(in, service->in_rate);
		view_count(out, service->out_rate);
	}
	view_lease(service, &lease);
	canvas_fit(canvas, row, column, width, STYLE_STRONG, service->name);
	canvas_add(canvas, row, column + width, STYLE_PLAIN, " %*s %*s  %s", RATE_COLUMNS,
		   in, RATE_COLUMNS, out, text_str(&lease));
	text_free(&lease);
}

void page_untracked(struct canvas *canvas, const struct chart_area *area,
		    const struct reading *reading)
{
	const struct untracked *untracked = reading->untracked;
	int width = area->width - 2 * (RATE_COLUMNS + 1) - LEASE_COLUMNS;
	int row = area->row, end = area->row + area->height;

	width = width < NAME_COLUMNS ? width : NAME_COLUMNS;
	canvas_add(canvas, row, area->column, STYLE_PLAIN, "%-*s %*s %*s  lease", width,
		   "UNTRACKED", RATE_COLUMNS, "in/s", RATE_COLUMNS, "out/s");
	canvas_paint(canvas, row++, area->column, area->width, STYLE_HEADING);
	if (!untracked || untracked->count == 0)
		put_wrapped(canvas, area, row, area->column,
			    untracked ? "nothing is untracked by table inet ctkit"
				      : "what is untracked is not known");
	for (size_t i = 0; untracked && i < untracked->count && row < end; i++)
		put_untracked(canvas, row++, area->column, width,
			      &untracked->services[i]);
}

void page_help(struct canvas *canvas, const struct chart_area *area)
{
	int row = area->row, end = area->row + area->height;

	canvas_add(canvas, row, area->column, STYLE_PLAIN, "%-*s%s", KEYS_COLUMNS, "KEYS",
		   "any key but q goes back");
	canvas_paint(canvas, row++, area->column, area->width, STYLE_HEADING);
	for (const struct keys_help *line = KEYS_HELP_LINES; line->keys && row < end;
	     line++) {
		canvas_add(canvas, row, area->column, STYLE_STRONG, "%s", line->keys);
		row = put_wrapped(canvas, area, row, area->column + KEYS_COLUMNS,
				  line->what);
	}
}
