/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_PANEL_H
#define CONNTRACK_PANEL_H

#include <stdint.h>

#include "conntrack/grid.h"

struct canvas;
struct history;
struct keys;
struct reading;

/* All that the screen of ctwatch is drawn from. Pure: state in, cells out. */
struct panel {
	const struct reading *reading; /* NULL: there is none yet */
	const char *notice;            /* what has to be told before all; NULL: nothing */
	const struct keys *keys;
	const struct history *history;
	uint64_t now_ns;   /* CLOCK_MONOTONIC */
	const char *clock; /* "21:44:24" */
};

/*
 * Lays the screen out on the whole canvas: complete from 80 x 24 on; what is smaller loses
 * the chart first, the table last. Returns what of the table is shown, for keys_limit().
 */
struct grid_extent panel_draw(struct canvas *canvas, const struct panel *panel);

#endif
