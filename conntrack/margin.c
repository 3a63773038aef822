// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/margin.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "conntrack/canvas.h"
#include "conntrack/keys.h"
#include "conntrack/panel.h"
#include "conntrack/watch.h"
#include "lib/text.h"

/* Enough for the words and the longest of view_tracking_doubt(). */
enum { DOUBT_MAX = DEMAND_DOUBT_MAX + 32 };

/* Where the panel's table is, of how many. */
static void put_netns(struct canvas *canvas, int row, int column, int width,
		      const struct panel *panel)
{
	struct text name = { 0 };

	text_add(&name, "%s", panel->reading->netns);
	if (panel->keys->tables > 1)
		text_add(&name, " (%zu of %zu)", panel->keys->table + 1,
			 panel->keys->tables);
	canvas_fit(canvas, row, column, width, STYLE_PLAIN, text_str(&name));
	text_free(&name);
}

/* "250ms" is 0.25 s; what is long, in what it is easily said in. */
static void add_interval(struct text *text, double seconds)
{
	if (seconds < 120)
		text_add(text, "%.3g s", seconds);
	else if (seconds < 7200)
		text_add(text, "%.3g min", seconds / 60);
	else
		text_add(text, "%.3g h", seconds / 3600);
}

void margin_title(struct canvas *canvas, int row, const struct panel *panel)
{
	const struct keys *keys = panel->keys;
	struct text right = { 0 };
	int column = canvas_add(canvas, row, 0, STYLE_STRONG, "ctwatch") + 2;
	int width;

	text_add(&right, "%severy ", keys->paused ? "PAUSED  " : "");
	add_interval(&right, keys->interval_s);
	text_add(&right, "  %s", panel->clock);
	width = (int)right.length;
	/* Where both do not fit, that the picture stands still is what must be known. */
	if (column + width > canvas->width)
		width = keys->paused ? (int)strlen("PAUSED") : 0;
	if (panel->reading && panel->reading->netns)
		put_netns(canvas, row, column, canvas->width - column - width - 2, panel);
	canvas_add(canvas, row, canvas->width - width,
		   keys->paused ? STYLE_WARN : STYLE_PLAIN, "%.*s", width,
		   text_str(&right));
	text_free(&right);
}

/* NULL: there is nothing to warn of. The text may be in doubt[]. */
static const char *warning_of(const struct panel *panel, char doubt[DOUBT_MAX])
{
	const struct reading *reading = panel->reading;
	char words[DEMAND_DOUBT_MAX];

	if (panel->notice)
		return panel->notice;
	if (reading->missing == -EPERM)
		return reading->counted
			       ? "no CAP_NET_ADMIN: only entries, limit and counters are "
				 "known"
			       : "no CAP_NET_ADMIN: only entries and limit are known";
	if (reading->missing)
		return "no answer by netlink: only entries and limit are known";
	switch (view_tracking(reading)) {
	case TRACKING_OFF:
		return "tracking is not active in this network namespace: nothing is "
		       "tracked";
	case TRACKING_UNKNOWN:
		snprintf(doubt, DOUBT_MAX, "is tracking active? %s",
			 view_tracking_doubt(reading, words));
		return doubt;
	default: return NULL;
	}
}

bool margin_warning(struct canvas *canvas, int row, const struct panel *panel)
{
	char doubt[DOUBT_MAX];
	const char *warning = warning_of(panel, doubt);

	if (warning)
		canvas_fit(canvas, row, 0, canvas->width, STYLE_WARN, warning);
	return warning;
}

static void put_prompt(struct canvas *canvas, int row, const struct keys *keys)
{
	bool filter = keys->prompt == PROMPT_FILTER;
	int column = canvas_add(canvas, row, 0, STYLE_STRONG, "%s: %s",
				filter ? "show only" : "every", keys->input);

	/* The terminal's own cursor is off. */
	canvas_rune(canvas, row, column, STYLE_HEADING, ' ', ' ');
	canvas_add(canvas, row, column + 2, STYLE_FAINT, "%s",
		   filter ? "part of a name or process; Enter, Esc"
			  : "such as 250ms, 2s, 1m; Enter, Esc");
}

/* As many as fit whole, the first the most needed: the help has all of them. */
static void put_hints(struct canvas *canvas, int row, int column)
{
	static const char *const HINTS[] = { "h help",       "q quit",      "v view",
					     "s sort",       "r reverse",   "/ filter",
					     "c counters",   "u untracked", "p pause",
					     "+/- interval", NULL };

	for (const char *const *hint = HINTS; *hint; hint++)
		if (column + (int)strlen(*hint) <= canvas->width)
			column = canvas_add(canvas, row, column, STYLE_FAINT, "%s  ",
					    *hint);
}

void margin_keys(struct canvas *canvas, int row, const struct panel *panel)
{
	const struct keys *keys = panel->keys;
	int column = 0;

	if (keys->prompt != PROMPT_NONE) {
		put_prompt(canvas, row, keys);
		return;
	}
	if (*keys->complaint.text) {
		canvas_fit(canvas, row, 0, canvas->width, STYLE_WARN,
			   keys->complaint.text);
		return;
	}
	/* A table that lacks rows must say why. */
	if (*keys->ranking.filter)
		column = canvas_add(canvas, row, 0, STYLE_WARN,
				    "only \"%s\" (Esc: all)  ", keys->ranking.filter);
	put_hints(canvas, row, column);
}
