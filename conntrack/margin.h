/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_MARGIN_H
#define CONNTRACK_MARGIN_H

#include <stdbool.h>

struct canvas;
struct panel;

/* What stands around the screen's contents. Pure. */

/* A line: which table, how often it is looked at, and when that was. */
void margin_title(struct canvas *canvas, int row, const struct panel *panel);

/*
 * A line for what makes all else look strange, the gravest alone: a namespace that went, a missing
 * privilege, tracking that is off. Returns false if there is no such thing; panel has a
 * reading.
 */
bool margin_warning(struct canvas *canvas, int row, const struct panel *panel);

/* A line for the user: the prompt, what was wrong with what was typed, or some of the keys. */
void margin_keys(struct canvas *canvas, int row, const struct panel *panel);

#endif
