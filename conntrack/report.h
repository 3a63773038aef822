/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_REPORT_H
#define CONNTRACK_REPORT_H

struct reading;
struct text;
struct view;

/* Adds the report for a person, several lines. Pure: a reading in, text out. */
void report_add(const struct view *view, const struct reading *reading,
		struct text *text);

#endif
