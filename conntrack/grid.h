/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_GRID_H
#define CONNTRACK_GRID_H

#include <stddef.h>

#include "conntrack/chart.h"
#include "conntrack/ranking.h"
#include "conntrack/view.h"

struct canvas;
struct reading;

/* One table of the screen: who has which share of the entries, and what is known of these. Pure. */
struct grid {
	const struct reading *reading;
	enum view_by by;
	const struct ranking *ranking;
	size_t first; /* of the rows that pass the filter, which to begin with */
};

/* What there was to show, and how much of it fits. */
struct grid_extent {
	size_t rows;
	size_t shown;
};

/* A heading and as many rows as the area has; columns that do not fit are left out. */
struct grid_extent grid_draw(struct canvas *canvas, const struct chart_area *area,
			     const struct grid *grid);

/* The largest in one line: "sources  10.8.0.0/24 23%, 10.9.0.0/24 12%". */
void grid_draw_line(struct canvas *canvas, int row, const struct grid *grid);

#endif
