// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/grid.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "conntrack/canvas.h"
#include "conntrack/estimate.h"
#include "conntrack/watch.h"
#include "lib/text.h"

enum { TRIANGLE_UP = 0x25b2, TRIANGLE_DOWN = 0x25bc };

enum { CELL_MAX = 48, NAME_MIN = 12, NAME_WIDTH_MAX = 56, NAME_COLUMNS = 26 };

/* What a cell is made of. */
struct cell {
	const struct reading *reading;
	const struct attribute_row *row;
	struct estimate estimate;
};

static void put_share(const struct cell *cell, char text[CELL_MAX])
{
	snprintf(text, CELL_MAX, "%.1f%%", 100 * cell->estimate.share);
}

static void put_error(const struct cell *cell, char text[CELL_MAX])
{
	snprintf(text, CELL_MAX, "+-%.1f", 100 * cell->estimate.share_error);
}

static void put_entries(const struct cell *cell, char text[CELL_MAX])
{
	char count[VIEW_COUNT_MAX];

	snprintf(text, CELL_MAX, "%s", view_count(count, cell->estimate.entries));
}

static void put_part(const struct cell *cell, uint32_t part, char text[CELL_MAX])
{
	snprintf(text, CELL_MAX, "%.0f%%",
		 cell->row->flows ? 100.0 * part / cell->row->flows : 0);
}

static void put_unreplied(const struct cell *cell, char text[CELL_MAX])
{
	put_part(cell, cell->row->unreplied, text);
}

/* Answered, but not for good: the kernel may evict those as the unreplied. */
static void put_replied(const struct cell *cell, char text[CELL_MAX])
{
	put_part(cell, cell->row->flows - cell->row->unreplied - cell->row->assured,
		 text);
}

static void put_assured(const struct cell *cell, char text[CELL_MAX])
{
	put_part(cell, cell->row->assured, text);
}

/* The columns of numbers; those with the highest rank go first when it gets narrow. */
static const struct column {
	const char *heading;
	int width;
	int rank;
	void (*put)(const struct cell *cell, char text[CELL_MAX]);
} COLUMNS[] = {
	{ "share", 7, 0, put_share },      { "error", 7, 3, put_error },
	{ "entries", 10, 1, put_entries }, { "unrep", 6, 2, put_unreplied },
	{ "repl", 6, 5, put_replied },     { "assur", 6, 4, put_assured },
};

enum {
	COLUMN_COUNT = sizeof(COLUMNS) / sizeof(COLUMNS[0]),
	PROCESS_WIDTH = 12,
	PROCESS_WIDE = 24,
	WIDE = 100
};

/* Which columns there is room for. */
struct fit {
	int name;
	int process; /* 0: none */
	int rank;    /* columns of this rank and above are left out */
};

/* Of the columns whose rank is below this. */
static int numbers_width(int rank)
{
	int width = 0;

	for (int i = 0; i < COLUMN_COUNT; i++)
		width += COLUMNS[i].rank < rank ? COLUMNS[i].width : 0;
	return width;
}

/*
 * Names first, then numbers by rank; the process is worth more than the error and the mix of
 * states, less than who it is and how much.
 */
static struct fit fit_to(int width)
{
	struct fit fit = { .rank = COLUMN_COUNT };
	int process = 1 + (width >= WIDE ? PROCESS_WIDE : PROCESS_WIDTH);

	if (width < NAME_COLUMNS + numbers_width(COLUMN_COUNT) + process - 2)
		process = width >= 56 ? process : 0;
	while (fit.rank > 1 && width - numbers_width(fit.rank) - process < NAME_MIN + 8)
		fit.rank--;
	fit.name = width - numbers_width(fit.rank) - process;
	fit.process = process ? process - 1 : 0;
	/* Beyond what names need, the process gets the room. */
	if (fit.name > NAME_WIDTH_MAX) {
		fit.process += process ? fit.name - NAME_WIDTH_MAX : 0;
		fit.name = NAME_WIDTH_MAX;
	}
	return fit;
}

static const char *title_of(enum view_by by)
{
	static const char *const TITLES[] = {
		[VIEW_SERVICE] = "SERVICE",
		[VIEW_SOURCE] = "SOURCE",
		[VIEW_STATE] = "STATE",
		[VIEW_PROCESS] = "PROCESS",
	};

	return TITLES[by];
}

/* Which order it is in stands beside the title, for not every order has a column. */
static void draw_heading(struct canvas *canvas, const struct chart_area *area,
			 const struct grid *grid, const struct fit *fit)
{
	const struct ranking *ranking = grid->ranking;
	int column = area->column + fit->name, end;
	char text[CELL_MAX];

	snprintf(text, sizeof(text), "%s by %s", title_of(grid->by),
		 ranking_name(ranking->by));
	end = canvas_fit(canvas, area->row, area->column, fit->name - 3, STYLE_PLAIN,
			 text);
	canvas_rune(canvas, area->row, end + 1, STYLE_PLAIN,
		    ranking->reversed ? TRIANGLE_UP : TRIANGLE_DOWN,
		    ranking->reversed ? '^' : 'v');
	for (int i = 0; i < COLUMN_COUNT; i++) {
		if (COLUMNS[i].rank >= fit->rank)
			continue;
		canvas_add(canvas, area->row, column, STYLE_PLAIN, "%*s",
			   COLUMNS[i].width, COLUMNS[i].heading);
		column += COLUMNS[i].width;
	}
	if (fit->process)
		canvas_add(canvas, area->row, column + 1, STYLE_PLAIN, "process");
	canvas_paint(canvas, area->row, area->column, area->width, STYLE_HEADING);
}

/* "nginx[123] +3 (NAT)": the pid only where there is room for it. */
static void draw_process(struct canvas *canvas, int row, int column, int width,
			 const struct cell *cell)
{
	const struct process *process = view_holder(cell->reading, cell->row);
	struct text text = { 0 };

	if (process)
		text_add(&text, "%s", process->name);
	if (process && width >= PROCESS_WIDE)
		text_add(&text, "[%d]", (int)process->pid);
	if (process && process->count > 1)
		text_add(&text, " +%u", process->count - 1);
	if (cell->row->nat)
		text_add(&text, "%s(NAT)", process ? " " : "");
	canvas_fit(canvas, row, column, width, STYLE_PLAIN, text_str(&text));
	text_free(&text);
}

/* The share is what the eye looks for. */
static void draw_row(struct canvas *canvas, const struct chart_area *area, int row,
		     const struct fit *fit, const struct cell *cell, const char *name)
{
	int column = area->column + fit->name;
	char text[CELL_MAX];

	canvas_fit(canvas, row, area->column, fit->name - 1, STYLE_PLAIN, name);
	for (int i = 0; i < COLUMN_COUNT; i++) {
		if (COLUMNS[i].rank >= fit->rank)
			continue;
		COLUMNS[i].put(cell, text);
		canvas_add(canvas, row, column, i == 0 ? STYLE_STRONG : STYLE_PLAIN,
			   "%*s", COLUMNS[i].width, text);
		column += COLUMNS[i].width;
	}
	if (fit->process)
		draw_process(canvas, row, column + 1, fit->process, cell);
}

static struct cell cell_of(const struct reading *reading, const struct attribute_row *row)
{
	return (struct cell){ reading, row, estimate_row(reading, row) };
}

struct grid_extent grid_draw(struct canvas *canvas, const struct chart_area *area,
			     const struct grid *grid)
{
	const struct view view = { .by = grid->by };
	const struct attribute *rows = view_rows_of(&view, grid->reading);
	struct fit fit = fit_to(area->width);
	uint16_t order[ATTRIBUTE_ROWS];
	size_t count = ranking_order(grid->ranking, grid->reading, rows, order);
	/* What fits no row is no row to sort, and is found by no filter. */
	bool other = rows->other.flows && !*grid->ranking->filter;
	struct grid_extent extent = { count + other,
				      area->height > 1 ? (size_t)area->height - 1 : 0 };

	draw_heading(canvas, area, grid, &fit);
	for (size_t i = 0; i < extent.shown && grid->first + i < extent.rows; i++) {
		size_t n = grid->first + i;
		const struct attribute_row *row =
			n < count ? &rows->rows[order[n]] : &rows->other;
		struct cell cell = cell_of(grid->reading, row);
		char name[VIEW_NAME_MAX] = "other";

		if (n < count)
			view_name(&row->key, name);
		draw_row(canvas, area, area->row + 1 + (int)i, &fit, &cell, name);
	}
	return extent;
}

void grid_draw_line(struct canvas *canvas, int row, const struct grid *grid)
{
	const struct view view = { .by = grid->by };
	const struct attribute *rows = view_rows_of(&view, grid->reading);
	int column =
		canvas_add(canvas, row, 0, STYLE_FAINT, "by %s", view_by_name(grid->by));

	column = column < 11 ? 11 : column + 1;
	for (size_t i = 0; i < rows->count; i++) {
		struct cell cell = cell_of(grid->reading, &rows->rows[i]);
		char name[VIEW_NAME_MAX], text[VIEW_NAME_MAX + 16];
		int length;

		view_name(&rows->rows[i].key, name);
		length = snprintf(text, sizeof(text), "%s%s %.0f%%", i ? ", " : "", name,
				  100 * cell.estimate.share);
		if (column + length > canvas->width)
			return;
		column = canvas_add(canvas, row, column, STYLE_PLAIN, "%s", text);
	}
}
