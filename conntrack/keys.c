// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/keys.h"

#include <stdio.h>
#include <string.h>

enum { ESCAPE = 27, DELETE = 127, CONTROL_H = 8, CONTROL_L = 12, CONTROL_U = 21 };

enum { PAGE_ROWS = 10 };

/* As the option --interval. */
static const double INTERVAL_MIN_S = 0.01, INTERVAL_MAX_S = 3600;

/* What + and - step through, seconds. */
static const double INTERVALS[] = { 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 3600 };
enum { INTERVAL_COUNT = sizeof(INTERVALS) / sizeof(INTERVALS[0]) };

const struct keys_help KEYS_HELP_LINES[] = {
	{ "q, Ctrl-C", "quit" },
	{ "h, ?, F1", "this help; any key but q leaves it" },
	{ "v, Tab", "next view: services, sources, states, processes" },
	{ "s, <, >", "sort by the next, the one before: entries, unreplied, ..." },
	{ "r", "sort the other way round" },
	{ "/", "show only what has a text in its name or process; Esc: all" },
	{ "up, down, ...", "more rows; PgUp, PgDn, Home, End" },
	{ "c", "all counters, and what each means" },
	{ "u", "what is untracked now" },
	{ "n", "next network namespace" },
	{ "p", "pause: the picture stays, the history goes on" },
	{ "space", "look now" },
	{ "+, -", "look less often, more often; i: type how often" },
	{ "Ctrl-L", "draw the screen anew" },
	{ NULL, NULL },
};

static enum keys_deed step_interval(struct keys *keys, bool longer)
{
	double found = keys->interval_s;

	for (int i = 0; i < INTERVAL_COUNT; i++) {
		/* Upwards the first that is longer, downwards the last that is shorter. */
		if (longer && INTERVALS[i] > keys->interval_s) {
			found = INTERVALS[i];
			break;
		}
		if (!longer && INTERVALS[i] < keys->interval_s)
			found = INTERVALS[i];
	}
	keys->interval_s = found;
	return KEYS_INTERVAL;
}

/* What is typed there begins empty: an empty filter shows all again. */
static enum keys_deed open_prompt(struct keys *keys, enum keys_prompt prompt)
{
	keys->prompt = prompt;
	keys->input[0] = '\0';
	return KEYS_DRAW;
}

/* The option's own parser: what it refuses there it refuses here, in the same words. */
static enum keys_deed accept_interval(struct keys *keys)
{
	double seconds;

	if (args_duration(keys->input, INTERVAL_MIN_S, INTERVAL_MAX_S, &seconds,
			  &keys->complaint) < 0)
		return KEYS_DRAW;
	keys->interval_s = seconds;
	return KEYS_INTERVAL;
}

static enum keys_deed leave_prompt(struct keys *keys, bool accepted)
{
	enum keys_prompt prompt = keys->prompt;

	keys->prompt = PROMPT_NONE;
	if (!accepted)
		return KEYS_DRAW;
	if (prompt == PROMPT_INTERVAL)
		return *keys->input ? accept_interval(keys) : KEYS_DRAW;
	snprintf(keys->ranking.filter, sizeof(keys->ranking.filter), "%s", keys->input);
	keys->first = 0;
	return KEYS_DRAW;
}

/* At a prompt all keys are text: nothing else happens by mistake. */
static enum keys_deed type(struct keys *keys, int key)
{
	size_t length = strlen(keys->input);

	switch (key) {
	case '\n': return leave_prompt(keys, true);
	case ESCAPE: return leave_prompt(keys, false);
	case CONTROL_U: keys->input[0] = '\0'; return KEYS_DRAW;
	/* Terminals do not agree on what Backspace sends. */
	case DELETE:
	case CONTROL_H:
	case KEYS_BACKSPACE:
		if (length)
			keys->input[length - 1] = '\0';
		return KEYS_DRAW;
	default: break;
	}
	if (key >= ' ' && key <= '~' && length + 1 < sizeof(keys->input)) {
		keys->input[length] = (char)key;
		keys->input[length + 1] = '\0';
	}
	return KEYS_DRAW;
}

/* The key that showed a page also hides it. */
static enum keys_deed show_page(struct keys *keys, enum keys_page page)
{
	keys->page = keys->page == page ? PAGE_TABLE : page;
	return KEYS_DRAW;
}

/* Rows of another table are not those that were scrolled to. */
static enum keys_deed show_view(struct keys *keys, enum view_by by)
{
	keys->by = by;
	keys->page = PAGE_TABLE;
	keys->first = 0;
	return KEYS_DRAW;
}

static enum keys_deed sort_by(struct keys *keys, int step)
{
	keys->ranking.by =
		(enum ranking_by)((int)(keys->ranking.by + RANKS + step) % RANKS);
	keys->first = 0;
	return KEYS_DRAW;
}

/* Its reading is not there yet: one has to be taken. */
static enum keys_deed next_table(struct keys *keys)
{
	if (keys->tables < 2)
		return KEYS_DRAW;
	keys->table = (keys->table + 1) % keys->tables;
	keys->first = 0;
	return KEYS_READ;
}

/* What Escape ends: a page, else the filter. */
static enum keys_deed escape(struct keys *keys)
{
	if (keys->page != PAGE_TABLE)
		keys->page = PAGE_TABLE;
	else
		keys->ranking.filter[0] = '\0';
	return KEYS_DRAW;
}

/* May go too far: keys_limit() knows how many rows there are, this does not. */
static enum keys_deed scroll(struct keys *keys, int key)
{
	switch (key) {
	case KEYS_UP: keys->first -= keys->first > 0; break;
	case KEYS_DOWN: keys->first++; break;
	case KEYS_PAGE_UP:
		keys->first -= keys->first < PAGE_ROWS ? keys->first : PAGE_ROWS;
		break;
	case KEYS_PAGE_DOWN: keys->first += PAGE_ROWS; break;
	case KEYS_HOME: keys->first = 0; break;
	/* No view has more rows; keys_limit() brings it back. */
	case KEYS_END: keys->first = ATTRIBUTE_ROWS; break;
	default: break;
	}
	return KEYS_DRAW;
}

static enum keys_deed command(struct keys *keys, int key)
{
	switch (key) {
	case 'q':
	case 'Q': return KEYS_QUIT;
	case 'h':
	case '?':
	case KEYS_HELP: return show_page(keys, PAGE_HELP);
	case 'c': return show_page(keys, PAGE_COUNTERS);
	case 'u': return show_page(keys, PAGE_UNTRACKED);
	case 'v':
	case '\t': return show_view(keys, (enum view_by)((keys->by + 1) % VIEWS));
	case 's':
	case '>': return sort_by(keys, 1);
	case '<': return sort_by(keys, -1);
	case 'r': keys->ranking.reversed = !keys->ranking.reversed; return KEYS_DRAW;
	case '/': return open_prompt(keys, PROMPT_FILTER);
	case 'i': return open_prompt(keys, PROMPT_INTERVAL);
	case '+': return step_interval(keys, true);
	case '-': return step_interval(keys, false);
	case 'p':
		keys->paused = !keys->paused;
		return keys->paused ? KEYS_DRAW : KEYS_READ;
	case ' ': return KEYS_READ;
	case 'n': return next_table(keys);
	case CONTROL_L: return KEYS_REPAINT;
	case ESCAPE: return escape(keys);
	default: return scroll(keys, key);
	}
}

enum keys_deed keys_press(struct keys *keys, int key)
{
	/* It stands until the next key, whichever that is. */
	keys->complaint.text[0] = '\0';
	if (keys->prompt != PROMPT_NONE)
		return type(keys, key);
	if (keys->page == PAGE_HELP && key != 'q' && key != 'Q') {
		keys->page = PAGE_TABLE;
		return KEYS_DRAW;
	}
	return command(keys, key);
}

void keys_limit(struct keys *keys, size_t rows, size_t shown)
{
	size_t last = rows > shown ? rows - shown : 0;

	if (keys->first > last)
		keys->first = last;
}
