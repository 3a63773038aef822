/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_KEYS_H
#define CONNTRACK_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "conntrack/ranking.h"
#include "conntrack/view.h"
#include "lib/args.h"

/* What the user of the screen has chosen, and how keys change that. Pure: no terminal. */

enum keys_page { PAGE_TABLE, PAGE_COUNTERS, PAGE_UNTRACKED, PAGE_HELP };

enum keys_prompt { PROMPT_NONE, PROMPT_FILTER, PROMPT_INTERVAL };

enum { KEYS_INPUT_MAX = 40 };

struct keys {
	enum view_by by;
	struct ranking ranking;
	enum keys_page page;
	size_t first;  /* the first row that is shown of the table */
	size_t tables; /* network namespaces */
	size_t table;  /* the one that is shown */
	double interval_s;
	bool paused;
	enum keys_prompt prompt;
	char input[KEYS_INPUT_MAX]; /* what was typed at the prompt */
	struct args_why complaint;  /* about what was typed before; empty: none */
};

/* Keys that are no characters. Characters are themselves; '\n' is Enter, 27 Escape. */
enum keys_code {
	KEYS_UP = 256,
	KEYS_DOWN,
	KEYS_PAGE_UP,
	KEYS_PAGE_DOWN,
	KEYS_HOME,
	KEYS_END,
	KEYS_BACKSPACE,
	KEYS_HELP,
	KEYS_OTHER, /* no use for it */
};

/* What is to be done about a key; each includes that the screen is drawn. */
enum keys_deed {
	KEYS_DRAW,
	KEYS_READ,     /* take a reading now */
	KEYS_INTERVAL, /* the interval changed */
	KEYS_REPAINT,  /* draw all of it anew */
	KEYS_QUIT,
};

enum keys_deed keys_press(struct keys *keys, int key);

/* Keeps what is shown of a table within its rows: shown of them fit. */
void keys_limit(struct keys *keys, size_t rows, size_t shown);

/* One line of the help. */
struct keys_help {
	const char *keys;
	const char *what;
};

/* All of it, ended by keys == NULL. */
extern const struct keys_help KEYS_HELP_LINES[];

#endif
