/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_CHART_H
#define CONNTRACK_CHART_H

#include <stdint.h>

struct canvas;
struct history;

/* Where on a canvas. */
struct chart_area {
	int row;
	int column;
	int width;
	int height;
};

/*
 * The shares of the limit at which the guard, as it is set by default, releases services and
 * engages. They also part what is shown as calm, as a warning and as an alarm.
 */
extern const double CHART_RELEASE_SHARE, CHART_ENGAGE_SHARE;

/* How full: a bar of area's first row; of the second, if it has one, the words for its marks. */
void chart_fill(struct canvas *canvas, const struct chart_area *area, double share);

/* What of history a chart shows. */
struct chart_span {
	uint64_t now_ns;
	uint64_t step_ns; /* one column */
	uint32_t limit;   /* entries */
};

/*
 * Entries over time, the newest at the right edge, with a scale at the left and the time in the
 * last row. The scale ends at the peak, so that a table that is nearly empty has a shape too.
 */
void chart_history(struct canvas *canvas, const struct chart_area *area,
		   const struct history *history, const struct chart_span *span);

#endif
