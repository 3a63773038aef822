/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_PAGE_H
#define CONNTRACK_PAGE_H

struct canvas;
struct chart_area;
struct reading;

/* What the screen shows on demand in the place of its table. Pure. */

/* Every counter: rate, total and what it means. */
void page_counters(struct canvas *canvas, const struct chart_area *area,
		   const struct reading *reading);

/* Every service that is out of tracking, with its traffic and lease. */
void page_untracked(struct canvas *canvas, const struct chart_area *area,
		    const struct reading *reading);

/* What keys do, and what is on the screen. */
void page_help(struct canvas *canvas, const struct chart_area *area);

#endif
