/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_CANVAS_H
#define CONNTRACK_CANVAS_H

#include <stdbool.h>
#include <stdint.h>

struct text;

/*
 * A sheet of character cells to lay a screen out on, without a terminal: tests can read it. What
 * lies outside is cut off. Only printable characters get in, whatever is written: nothing on it
 * can control a terminal.
 */
enum canvas_style {
	STYLE_PLAIN,
	STYLE_FAINT,
	STYLE_STRONG,
	STYLE_HEADING,
	STYLE_CALM, /* the next three by how bad it is; words say it too */
	STYLE_WARN,
	STYLE_ALARM,
	STYLE_ALARM_BLOCK, /* the same for blocks, which are not to be reversed */
	STYLES
};

struct canvas_cell {
	uint32_t rune; /* Unicode */
	uint8_t style; /* enum canvas_style */
};

struct canvas {
	int width;
	int height;
	bool utf8; /* else ASCII takes the place of blocks and lines */
	struct canvas_cell *cells;
};

enum { CANVAS_WIDTH_MAX = 1000, CANVAS_HEIGHT_MAX = 500 };

/*
 * Makes it width x height blank cells, at most the maxima, at least 1 x 1. Zero-initialise before
 * the first call. Returns 0, or -ENOMEM: it is as it was.
 */
int canvas_resize(struct canvas *canvas, int width, int height);

/* Frees the cells. */
void canvas_free(struct canvas *canvas);

/* Blanks all cells. */
void canvas_clear(struct canvas *canvas);

/* Writes text as printf does; returns the column after its end, also where it was cut off. */
int canvas_add(struct canvas *canvas, int row, int column, enum canvas_style style,
	       const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* The same, at most width columns; what is longer ends in a mark that says so. */
int canvas_fit(struct canvas *canvas, int row, int column, int width,
	       enum canvas_style style, const char *text);

/* Puts one character: rune, or ascii on a canvas that is not utf8. */
void canvas_rune(struct canvas *canvas, int row, int column, enum canvas_style style,
		 uint32_t rune, char ascii);

/* Gives cells of a row another style. */
void canvas_paint(struct canvas *canvas, int row, int column, int width,
		  enum canvas_style style);

/* A row as UTF-8, without the blanks at its end. */
void canvas_row(const struct canvas *canvas, int row, struct text *text);

#endif
