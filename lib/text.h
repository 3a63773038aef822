/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIB_TEXT_H
#define LIB_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A string that grows as it is written. Zero-initialise before use. Running out
 * of memory is remembered rather than reported by each call: ask text_ok() once.
 */
struct text {
	char *data; /* NUL-terminated; NULL while nothing was added */
	size_t length;
	size_t capacity;
	bool failed;
};

/* Appends as printf does. */
void text_add(struct text *text, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Appends a string that others made: for a control character, also one of C1 in UTF-8, which a terminal would obey, a
 * question mark; of NULL nothing.
 */
void text_add_clean(struct text *text, const char *string);

/* What was written, never NULL; valid until the next call on text. */
const char *text_str(const struct text *text);

/* Whether everything that was added is there. */
bool text_ok(const struct text *text);

/* Frees the string and makes text empty again. */
void text_free(struct text *text);

#endif
