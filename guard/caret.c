// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/caret.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "lib/text.h"

/* A longer line is not shown: it would hide what it shows. */
enum { SHOWN_MAX = 160 };

/* A part of a sentence, or of a line. */
struct part {
	const char *at;
	size_t length;
};

static bool is_of_word(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_';
}

/* Finds part in the line, not within a longer word. */
static bool find_part(struct part part, struct caret *caret)
{
	for (size_t i = 0; part.length && i + part.length <= caret->length; i++) {
		const char *here = caret->line + i;
		size_t end = i + part.length;

		if (memcmp(here, part.at, part.length) != 0 ||
		    (i > 0 && is_of_word(here[-1]) && is_of_word(here[0])) ||
		    (end < caret->length && is_of_word(caret->line[end]) &&
		     is_of_word(caret->line[end - 1])))
			continue;
		caret->column = i;
		caret->marked = part.length;
		return true;
	}
	return false;
}

/* The next part in quotes from *cursor on; length 0: there is none. */
static struct part next_quoted(const char **cursor)
{
	const char *open = strpbrk(*cursor, "\"'");
	const char *close = open ? strchr(open + 1, *open) : NULL;

	if (!close)
		return (struct part){ NULL, 0 };
	*cursor = close + 1;
	return (struct part){ open + 1, (size_t)(close - open - 1) };
}

/* The next word that looks like the name of a setting: the first, or one with a hyphen. */
static struct part next_name(const char *sentence, const char **cursor)
{
	while (**cursor) {
		struct part word = { *cursor, 0 };
		bool hyphen = false;

		while (is_of_word(word.at[word.length]))
			hyphen |= word.at[word.length++] == '-';
		*cursor += word.length ? word.length : 1;
		if (word.length && (hyphen || word.at == sentence))
			return word;
	}
	return (struct part){ NULL, 0 };
}

static bool mark(const char *sentence, struct caret *caret)
{
	const char *cursor = sentence;
	struct part part;

	for (part = next_quoted(&cursor); part.at; part = next_quoted(&cursor)) {
		if (find_part(part, caret))
			return true;
	}
	cursor = sentence;
	for (part = next_name(sentence, &cursor); part.at;
	     part = next_name(sentence, &cursor)) {
		if (find_part(part, caret))
			return true;
	}
	return false;
}

/* The line after *cursor; false at the end. */
static bool next_line(const char **cursor, struct caret *caret)
{
	size_t length = strcspn(*cursor, "\n");

	if (!**cursor)
		return false;
	*caret = (struct caret){ caret->number + 1, *cursor, length, 0, 0 };
	*cursor += length + ((*cursor)[length] == '\n');
	return true;
}

int caret_find(const char *text, int number, const char *sentence, struct caret *out)
{
	struct caret caret = { 0 }, found = { 0 };

	while (next_line(&text, &caret)) {
		bool marked = mark(sentence, &caret);

		if (caret.number == number) {
			*out = caret;
			return 0;
		}
		if (marked)
			found = caret;
	}
	if (!found.line)
		return -ENOENT;
	*out = found;
	return 0;
}

void caret_add(const struct caret *caret, struct text *text)
{
	if (caret->length > SHOWN_MAX)
		return;
	text_add(text, "\n    ");
	for (size_t i = 0; i < caret->length; i++) {
		unsigned char c = (unsigned char)caret->line[i];

		text_add(text, "%c", c == '\t' || isprint(c) ? c : '?');
	}
	if (!caret->marked)
		return;
	text_add(text, "\n    ");
	/* Tabs stay tabs in both lines: so carets come below what they mark, whatever a tab is. */
	for (size_t i = 0; i < caret->column; i++)
		text_add(text, "%c", caret->line[i] == '\t' ? '\t' : ' ');
	for (size_t i = 0; i < caret->marked; i++)
		text_add(text, "^");
}
