// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/chart.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "conntrack/canvas.h"
#include "conntrack/history.h"
#include "conntrack/view.h"

const double CHART_RELEASE_SHARE = 0.5, CHART_ENGAGE_SHARE = 0.8;

/* Unicode's block elements come in eighths: upwards from 0x2581, to the right down from 0x258f. */
enum {
	EIGHTHS = 8,
	BLOCK_LOWER = 0x2580,
	BLOCK_FULL = 0x2588,
	BLOCK_LEFT = 0x2590,
	BLOCK_LIGHT = 0x2591,
	LINE_VERTICAL = 0x2502,
	LINE_DASHED = 0x254c,
};

enum { SCALE_WIDTH = 15, NARROW = 40 };

/* Green, yellow and red where there are colours; the marks say the same without. */
static enum canvas_style style_of(double share)
{
	if (share >= CHART_ENGAGE_SHARE)
		return STYLE_ALARM_BLOCK;
	return share >= CHART_RELEASE_SHARE ? STYLE_WARN : STYLE_CALM;
}

/* How many eighths of a cell are filled, when cell is the number of those before it. */
static int eighths(double filled, int cell)
{
	return (int)fmin(fmax((filled - cell) * EIGHTHS + 0.5, 0), EIGHTHS);
}

/* To the eighth of a cell, so that a slow climb is seen to move. */
static void put_fill(struct canvas *canvas, const struct chart_area *area, double share)
{
	enum canvas_style style = style_of(share);

	for (int i = 0; i < area->width; i++) {
		int part = eighths(share * area->width, i);

		if (part == 0)
			canvas_rune(canvas, area->row, area->column + i, STYLE_FAINT,
				    BLOCK_LIGHT, '.');
		else
			canvas_rune(canvas, area->row, area->column + i, style,
				    part == EIGHTHS ? BLOCK_FULL
						    : (uint32_t)(BLOCK_LEFT - part),
				    '#');
	}
}

/* On the bar, and by its share and word below, where these have room. */
static void put_mark(struct canvas *canvas, const struct chart_area *area, double share,
		     const char *word)
{
	int column = area->column + (int)lround(share * area->width);
	char text[32];
	int length = snprintf(text, sizeof(text), "%.0f%% %s", 100 * share, word);

	canvas_rune(canvas, area->row, column, STYLE_STRONG, LINE_VERTICAL, '|');
	if (area->height < 2)
		return;
	if (area->width < NARROW)
		length = snprintf(text, sizeof(text), "%.0f%%", 100 * share);
	canvas_add(canvas, area->row + 1, column - (length > 10 ? 3 : 1), STYLE_FAINT,
		   "%s", text);
}

void chart_fill(struct canvas *canvas, const struct chart_area *area, double share)
{
	put_fill(canvas, area, fmin(fmax(share, 0), 1));
	put_mark(canvas, area, CHART_RELEASE_SHARE, "release");
	put_mark(canvas, area, CHART_ENGAGE_SHARE, "engage");
}

/* One column of the chart; level is how many cells are filled. */
static void put_column(struct canvas *canvas, const struct chart_area *area, int column,
		       double level, enum canvas_style style)
{
	for (int i = 0; i < area->height; i++) {
		int part = eighths(level, i);

		/* What is not nothing is to be seen. */
		if (i == 0 && part == 0 && level > 0)
			part = 1;
		if (part > 0)
			canvas_rune(canvas, area->row + area->height - 1 - i, column,
				    style, (uint32_t)(BLOCK_LOWER + part),
				    part == EIGHTHS       ? '#'
				    : part >= EIGHTHS / 2 ? ':'
							  : '.');
	}
}

/* A line across at a share of the limit, where the scale reaches that far. */
static void put_level(struct canvas *canvas, const struct chart_area *area, double share,
		      double scale)
{
	int above = (int)(share / scale * area->height);

	if (share >= scale)
		return;
	for (int i = 0; i < area->width; i++)
		canvas_rune(canvas, area->row + area->height - 1 - above,
			    area->column + i, STYLE_FAINT, LINE_DASHED, '-');
}

/* What the upper edge of that row stands for. */
static void put_scale(struct canvas *canvas, const struct chart_area *area, int row,
		      double entries, double limit)
{
	char count[VIEW_COUNT_MAX];

	canvas_add(canvas, row, area->column, STYLE_FAINT, "%9s %3.0f%%",
		   view_count(count, entries), limit > 0 ? 100 * entries / limit : 0);
}

/* How far back the left edge is. */
static void put_time(struct canvas *canvas, const struct chart_area *area,
		     const struct chart_area *plot, uint64_t step_ns)
{
	double seconds = (double)step_ns / 1e9 * plot->width;
	int row = area->row + area->height - 1;
	char text[48];

	if (seconds < 120)
		snprintf(text, sizeof(text), "%.3g s ago", seconds);
	else if (seconds < 7200)
		snprintf(text, sizeof(text), "%.0f min ago", seconds / 60);
	else
		snprintf(text, sizeof(text), "%.1f h ago", seconds / 3600);
	canvas_add(canvas, row, plot->column, STYLE_FAINT, "%s", text);
	canvas_add(canvas, row, plot->column + plot->width - 3, STYLE_FAINT, "now");
}

void chart_history(struct canvas *canvas, const struct chart_area *area,
		   const struct history *history, const struct chart_span *span)
{
	struct chart_area plot = { area->row, area->column + SCALE_WIDTH,
				   area->width - SCALE_WIDTH, area->height - 1 };
	int64_t columns[CANVAS_WIDTH_MAX];
	int64_t peak = 1;

	if (plot.width > CANVAS_WIDTH_MAX)
		plot.width = CANVAS_WIDTH_MAX;
	if (plot.width < 3 || plot.height < 1)
		return;
	history_columns(history, span->now_ns, span->step_ns, columns,
			(size_t)plot.width);
	for (int i = 0; i < plot.width; i++)
		peak = columns[i] > peak ? columns[i] : peak;
	if (span->limit) {
		double scale = (double)peak / span->limit;

		put_level(canvas, &plot, CHART_RELEASE_SHARE, scale);
		put_level(canvas, &plot, CHART_ENGAGE_SHARE, scale);
	}
	/* Below 0 is what nobody looked at. */
	for (int i = 0; i < plot.width; i++)
		put_column(canvas, &plot, plot.column + i,
			   (double)columns[i] / (double)peak * plot.height,
			   style_of(span->limit ? (double)columns[i] / span->limit : 0));
	put_scale(canvas, area, plot.row, (double)peak, span->limit);
	/* Of one entry there is no half. */
	if (plot.height > 2 && peak > 1)
		put_scale(canvas, area, plot.row + plot.height / 2,
			  (double)peak * (plot.height - plot.height / 2) / plot.height,
			  span->limit);
	put_time(canvas, area, &plot, span->step_ns);
}
