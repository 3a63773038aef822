// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/panel.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "conntrack/canvas.h"
#include "conntrack/chart.h"
#include "conntrack/keys.h"
#include "conntrack/margin.h"
#include "conntrack/page.h"
#include "conntrack/untracked.h"
#include "conntrack/watch.h"
#include "lib/clock.h"
#include "lib/text.h"

/* From which height on a part has its place. */
enum {
	HEIGHT_KEYS = 6,
	HEIGHT_COUNTERS = 10,
	HEIGHT_UNTRACKED = 12,
	HEIGHT_LINES = 16, /* the other tables, a line each */
	HEIGHT_CHART = 18,
	HEIGHT_MARKS = 20,
	HEIGHT_WHOLE = 22,
	HEIGHT_ALL = 26,
	HEIGHT_SECOND = 40, /* a second table in the place of the first of these */
};

enum { CHART_ROWS = 4, CHART_ROWS_MAX = 16, LABEL = 10 };

/* A forecast this near is an alarm, one of this kind at all a warning. */
static const double SOON_S = 60;

/* What is being drawn, and the rows that are left of it. */
struct frame {
	struct canvas *canvas;
	const struct panel *panel;
	const struct reading *reading;
	int row; /* the next from above */
	int end; /* behind the last that is free */
};

/* How many rows nothing was given yet; below 0 if the canvas is very small. */
static int rows_left(const struct frame *frame)
{
	return frame->end - frame->row;
}

/* The next rows from above, over the whole width. */
static struct chart_area take(struct frame *frame, int height)
{
	struct chart_area area = { frame->row, 0, frame->canvas->width, height };

	frame->row += height;
	return area;
}

/* The name of a line, faint so that what it says stands out; returns where that goes. */
static int label(const struct frame *frame, const char *text)
{
	canvas_add(frame->canvas, frame->row, 0, STYLE_FAINT, "%s", text);
	return LABEL;
}

static double fill_of(const struct reading *reading)
{
	return reading->usage.limit
		       ? (double)reading->usage.entries / reading->usage.limit
		       : 0;
}

static enum canvas_style fill_style(double fill)
{
	if (fill >= CHART_ENGAGE_SHARE)
		return STYLE_ALARM;
	return fill >= CHART_RELEASE_SHARE ? STYLE_WARN : STYLE_STRONG;
}

/* In this order, so that on a narrow screen the share is what is left. */
static void draw_fill(struct frame *frame)
{
	const struct reading *reading = frame->reading;
	char entries[VIEW_COUNT_MAX], limit[VIEW_COUNT_MAX];
	double fill = fill_of(reading);
	int column = label(frame, "entries");
	struct chart_area area;

	column = canvas_add(frame->canvas, frame->row, column, fill_style(fill),
			    "%.1f%% full", 100 * fill);
	column = canvas_add(frame->canvas, frame->row, column, STYLE_STRONG, "  %s",
			    view_count(entries, reading->usage.entries));
	canvas_add(frame->canvas, frame->row, column, STYLE_PLAIN, " of %s",
		   view_count(limit, reading->usage.limit));
	frame->row++;
	area = take(frame, frame->canvas->height >= HEIGHT_MARKS ? 2 : 1);
	chart_fill(frame->canvas, &area, fill);
}

static enum canvas_style forecast_style(const struct reading *reading)
{
	switch (reading->verdict) {
	case OUTLOOK_FULL: return STYLE_ALARM;
	case OUTLOOK_FILLS: return reading->full_s < SOON_S ? STYLE_ALARM : STYLE_WARN;
	default: return STYLE_STRONG;
	}
}

/* Puts a part of a line if all of it fits. Returns the column after it. */
static int put_whole(const struct frame *frame, int column, struct text *part)
{
	if (column + (int)part->length <= frame->canvas->width)
		column = canvas_add(frame->canvas, frame->row, column, STYLE_PLAIN, "%s",
				    text_str(part));
	text_free(part);
	return column;
}

/* How fast it goes, and what the next overflow will be like. */
static void draw_prospects(const struct frame *frame, int column)
{
	const struct reading *reading = frame->reading;
	double evictable = view_evictable(reading), drops = view_overflow_drops(reading);
	char slope[VIEW_COUNT_MAX], arrivals[VIEW_COUNT_MAX];
	struct text part = { 0 };

	if (reading->predicted) {
		text_add(&part, " (%s%s entries/s", reading->slope >= 0.5 ? "+" : "",
			 view_count(slope, reading->slope));
		if (isfinite(reading->arrivals_per_s))
			text_add(&part, ", %s new/s",
				 view_count(arrivals, reading->arrivals_per_s));
		text_add(&part, ")");
		column = put_whole(frame, column, &part);
	}
	if (isnan(evictable))
		return;
	text_add(&part, "  evictable %.0f%%", 100 * evictable);
	column = put_whole(frame, column, &part);
	if (isnan(drops))
		return;
	text_add(&part, ", when full %.0f%% of new flows are dropped", 100 * drops);
	put_whole(frame, column, &part);
}

static void draw_forecast(struct frame *frame)
{
	const struct reading *reading = frame->reading;
	struct text words = { 0 };
	int column = label(frame, "forecast");

	view_forecast(reading, &words);
	column = canvas_add(frame->canvas, frame->row, column, forecast_style(reading),
			    "%s", text_str(&words));
	text_free(&words);
	draw_prospects(frame, column);
	frame->row++;
}

/* A quarter of the rows that a larger screen has more go to the chart. */
static void draw_chart(struct frame *frame)
{
	int height = frame->canvas->height,
	    rows = CHART_ROWS + (height - HEIGHT_CHART) / 4;
	const struct panel *panel = frame->panel;
	struct chart_span span = {
		.now_ns = panel->now_ns,
		.step_ns = (uint64_t)(panel->keys->interval_s * CLOCK_NS_PER_S),
		.limit = frame->reading->usage.limit,
	};
	struct chart_area area;

	if (height < HEIGHT_CHART)
		return;
	area = take(frame, rows < CHART_ROWS_MAX ? rows : CHART_ROWS_MAX);
	chart_history(frame->canvas, &area, panel->history, &span);
}

/* The first counters are those that tell of losses, the others harmless. */
static enum canvas_style counter_style(size_t i, double rate)
{
	if (rate <= 0)
		return STYLE_PLAIN;
	return i == 0 ? STYLE_ALARM : i < TABLE_COUNTERS / 2 ? STYLE_WARN : STYLE_STRONG;
}

/*
 * Rates, rounded up: what moved at all is not 0. There are more counters than fit on one line of
 * 80 columns; a small screen has the first ones, those of losses.
 */
static void draw_counters(struct frame *frame)
{
	const struct reading *reading = frame->reading;
	int lines = frame->canvas->height >= HEIGHT_WHOLE ? 2 : 1;
	int column = label(frame, "per second");

	if (!reading->counted) {
		canvas_add(frame->canvas, frame->row++, column, STYLE_PLAIN,
			   "counters are not known");
		return;
	}
	for (size_t i = 0; i < TABLE_COUNTERS; i++) {
		uint32_t gained = table_counter_value(&reading->since, &TABLE_COUNTER[i]);
		double rate = reading->since_s > 0 ? ceil(gained / reading->since_s) : 0;
		char text[48];
		int length = snprintf(text, sizeof(text), " %s %.0f",
				      TABLE_COUNTER[i].name, rate);

		if (column + length > frame->canvas->width) {
			if (--lines == 0)
				break;
			frame->row++;
			column = LABEL;
		}
		column = canvas_add(frame->canvas, frame->row, column,
				    counter_style(i, rate), "%s", text);
		column++;
	}
	frame->row++;
}

/* The first services that are out of tracking; the page has all. */
static void draw_untracked(struct frame *frame)
{
	const struct untracked *untracked = frame->reading->untracked;
	int column = label(frame, "untracked") + 1;

	if (!untracked || untracked->count == 0)
		canvas_add(frame->canvas, frame->row, column, STYLE_PLAIN,
			   untracked ? "nothing" : "not known");
	for (size_t i = 0; untracked && i < untracked->count; i++) {
		const struct untracked_service *service = &untracked->services[i];
		char count[VIEW_COUNT_MAX] = "?";
		struct text words = { 0 };

		if (service->rated)
			view_count(count, service->in_rate + service->out_rate);
		text_add(&words, "%s%s %s packets/s, ", i ? "; " : "", service->name,
			 count);
		view_lease(service, &words);
		column = canvas_fit(frame->canvas, frame->row, column,
				    frame->canvas->width - column, STYLE_STRONG,
				    text_str(&words));
		text_free(&words);
	}
	frame->row++;
}

/* Only where something was asked for. */
static void draw_called(struct frame *frame)
{
	struct text words = { 0 };
	int column;

	if (!frame->reading->called)
		return;
	column = label(frame, "counted") + 1;
	view_called(frame->reading, "", &words);
	if (frame->reading->called_age_s >= 1)
		text_add(&words, " (%.0f s ago)", frame->reading->called_age_s);
	canvas_fit(frame->canvas, frame->row++, column, frame->canvas->width - column,
		   STYLE_PLAIN, text_str(&words));
	text_free(&words);
}

static struct grid grid_of(const struct frame *frame, const struct ranking *ranking,
			   enum view_by by)
{
	return (struct grid){ .reading = frame->reading, .by = by, .ranking = ranking };
}

/* The views that are not chosen, in their order. */
static enum view_by other_view(const struct frame *frame, int n)
{
	return (enum view_by)n < frame->panel->keys->by ? (enum view_by)n
							: (enum view_by)(n + 1);
}

/* On a large screen the first of the others as a table, a third of the room. */
static void draw_second(struct frame *frame, const struct ranking *ranking)
{
	struct grid grid = grid_of(frame, ranking, other_view(frame, 0));
	int rows = rows_left(frame) / 3;
	struct chart_area area = { frame->end - rows, 0, frame->canvas->width, rows };

	grid_draw(frame->canvas, &area, &grid);
	frame->end -= rows + 1;
}

/* The tables that are not chosen, below the one that is. */
static void draw_others(struct frame *frame)
{
	static const struct ranking LARGEST = { .by = RANK_ENTRIES };
	static const int HEIGHTS[VIEWS - 1] = { HEIGHT_LINES, HEIGHT_WHOLE, HEIGHT_ALL };
	int height = frame->canvas->height, first = height >= HEIGHT_SECOND;

	for (int n = VIEWS - 2; n >= first; n--) {
		struct grid grid = grid_of(frame, &LARGEST, other_view(frame, n));

		if (height >= HEIGHTS[n])
			grid_draw_line(frame->canvas, --frame->end, &grid);
	}
	if (first)
		draw_second(frame, &LARGEST);
}

/* What is left of the screen when all else has its place. */
static struct grid_extent draw_table(struct frame *frame)
{
	const struct reading *reading = frame->reading;
	const struct keys *keys = frame->panel->keys;
	struct grid grid = grid_of(frame, &keys->ranking, keys->by);
	struct chart_area area;

	if (!reading->sampled)
		return (struct grid_extent){ 0 };
	if (reading->sample.flows == 0) {
		canvas_add(frame->canvas, frame->row, 0, STYLE_PLAIN, "no live entries");
		return (struct grid_extent){ 0 };
	}
	draw_others(frame);
	grid.first = keys->first;
	area = take(frame, rows_left(frame));
	return grid_draw(frame->canvas, &area, &grid);
}

/* A page takes all the room: sentences need it. */
static void draw_page(struct frame *frame)
{
	struct chart_area area = take(frame, rows_left(frame));

	switch (frame->panel->keys->page) {
	case PAGE_COUNTERS: page_counters(frame->canvas, &area, frame->reading); break;
	case PAGE_UNTRACKED: page_untracked(frame->canvas, &area, frame->reading); break;
	default: page_help(frame->canvas, &area); break;
	}
}

struct grid_extent panel_draw(struct canvas *canvas, const struct panel *panel)
{
	struct frame frame = { canvas, panel, panel->reading, 0, canvas->height };

	canvas_clear(canvas);
	margin_title(canvas, frame.row++, panel);
	if (canvas->height >= HEIGHT_KEYS)
		margin_keys(canvas, --frame.end, panel);
	if (!panel->reading)
		return (struct grid_extent){ 0 };
	/* The row is taken only if there is something to say: it is missed elsewhere. */
	if (margin_warning(canvas, frame.row, panel))
		frame.row++;
	if (panel->keys->page != PAGE_TABLE) {
		draw_page(&frame);
		return (struct grid_extent){ 0 };
	}
	draw_fill(&frame);
	draw_forecast(&frame);
	draw_chart(&frame);
	if (canvas->height >= HEIGHT_COUNTERS)
		draw_counters(&frame);
	if (canvas->height >= HEIGHT_UNTRACKED)
		draw_untracked(&frame);
	draw_called(&frame);
	return draw_table(&frame);
}
