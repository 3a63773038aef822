// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/canvas.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/text.h"

enum { ELLIPSIS = 0x2026 };

/* A terminal may claim any size, and none. */
static int clamp(int value, int max)
{
	if (value < 1)
		return 1;
	return value < max ? value : max;
}

int canvas_resize(struct canvas *canvas, int width, int height)
{
	int columns = clamp(width, CANVAS_WIDTH_MAX);
	int rows = clamp(height, CANVAS_HEIGHT_MAX);
	struct canvas_cell *cells =
		calloc((size_t)columns * (size_t)rows, sizeof(*cells));

	if (!cells)
		return -ENOMEM;
	free(canvas->cells);
	canvas->cells = cells;
	canvas->width = columns;
	canvas->height = rows;
	canvas_clear(canvas);
	return 0;
}

void canvas_free(struct canvas *canvas)
{
	free(canvas->cells);
	*canvas = (struct canvas){ 0 };
}

void canvas_clear(struct canvas *canvas)
{
	for (int i = 0; i < canvas->width * canvas->height; i++)
		canvas->cells[i] = (struct canvas_cell){ ' ', STYLE_PLAIN };
}

/* NULL: outside. All writing goes through here, so that callers need not reckon what fits. */
static struct canvas_cell *cell_at(const struct canvas *canvas, int row, int column)
{
	if (row < 0 || row >= canvas->height || column < 0 || column >= canvas->width)
		return NULL;
	return &canvas->cells[row * canvas->width + column];
}

void canvas_rune(struct canvas *canvas, int row, int column, enum canvas_style style,
		 uint32_t rune, char ascii)
{
	struct canvas_cell *cell = cell_at(canvas, row, column);

	if (cell)
		*cell = (struct canvas_cell){ canvas->utf8 ? rune : (uint32_t)ascii,
					      (uint8_t)style };
}

/* ASCII alone: bytes of any other encoding, and all that controls a terminal, become "?". */
static int put_bytes(struct canvas *canvas, int row, int column, enum canvas_style style,
		     const char *text, size_t count)
{
	for (size_t i = 0; i < count; i++, column++) {
		char c = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';

		canvas_rune(canvas, row, column, style, (uint32_t)c, c);
	}
	return column;
}

int canvas_add(struct canvas *canvas, int row, int column, enum canvas_style style,
	       const char *fmt, ...)
{
	char text[CANVAS_WIDTH_MAX + 1];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return put_bytes(canvas, row, column, style, text, strlen(text));
}

int canvas_fit(struct canvas *canvas, int row, int column, int width,
	       enum canvas_style style, const char *text)
{
	size_t length = strlen(text);

	if (width <= 0)
		return column;
	if (length <= (size_t)width)
		return put_bytes(canvas, row, column, style, text, length);
	column = put_bytes(canvas, row, column, style, text, (size_t)width - 1);
	canvas_rune(canvas, row, column, style, ELLIPSIS, '~');
	return column + 1;
}

void canvas_paint(struct canvas *canvas, int row, int column, int width,
		  enum canvas_style style)
{
	for (int i = column; i < column + width; i++) {
		struct canvas_cell *cell = cell_at(canvas, row, i);

		if (cell)
			cell->style = (uint8_t)style;
	}
}

/* All that is ever put lies below U+10000. */
static void add_utf8(struct text *text, uint32_t rune)
{
	if (rune < 0x80)
		text_add(text, "%c", (int)rune);
	else if (rune < 0x800)
		text_add(text, "%c%c", (int)(0xc0 | rune >> 6),
			 (int)(0x80 | (rune & 0x3f)));
	else
		text_add(text, "%c%c%c", (int)(0xe0 | rune >> 12),
			 (int)(0x80 | (rune >> 6 & 0x3f)), (int)(0x80 | (rune & 0x3f)));
}

void canvas_row(const struct canvas *canvas, int row, struct text *text)
{
	const struct canvas_cell *cells = &canvas->cells[row * canvas->width];
	int end = canvas->width;

	while (end > 0 && cells[end - 1].rune == ' ')
		end--;
	for (int i = 0; i < end; i++)
		add_utf8(text, cells[i].rune);
}
