/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_CARET_H
#define GUARD_CARET_H

#include <stddef.h>

struct text;

/* Where in a text is what a complaint is about. A plain value; line points into the text. */
struct caret {
	int number;       /* of the line, from 1 on */
	const char *line; /* not terminated */
	size_t length;
	size_t column; /* of what the complaint names, in bytes; 0 with marked 0: not found */
	size_t marked; /* how long that is */
};

/*
 * Finds what a sentence about a configuration names: what it quotes ("8O%"), else its
 * words that are names of settings. Looked for in line number, or where there is no such line,
 * in all of them from the last on. Returns 0, or -ENOENT if there is no line to show. Pure.
 */
int caret_find(const char *text, int number, const char *sentence, struct caret *out);

/* Adds the line and, below what the complaint names, carets; nothing a terminal would obey. */
void caret_add(const struct caret *caret, struct text *text);

#endif
