// SPDX-License-Identifier: GPL-2.0-or-later
#include "lib/text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_BYTES = 256 };

static bool reserve(struct text *text, size_t more)
{
	size_t capacity = text->capacity ? text->capacity : FIRST_BYTES;
	char *data;

	while (capacity < text->length + more + 1)
		capacity *= 2;
	if (capacity == text->capacity)
		return true;
	data = realloc(text->data, capacity);
	if (!data)
		return false;
	text->data = data;
	text->capacity = capacity;
	return true;
}

void text_add(struct text *text, const char *fmt, ...)
{
	va_list args;
	int need;

	va_start(args, fmt);
	need = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	/* After a failure nothing is added: a text with a hole would look whole. */
	if (need < 0 || text->failed || !reserve(text, (size_t)need)) {
		text->failed = true;
		return;
	}
	va_start(args, fmt);
	vsnprintf(text->data + text->length, (size_t)need + 1, fmt, args);
	va_end(args);
	text->length += (size_t)need;
}

void text_add_clean(struct text *text, const char *string)
{
	for (const unsigned char *at = (const unsigned char *)string; at && *at; at++) {
		/* U+0080 to U+009F. */
		bool is_c1 = at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0;

		text_add(text, "%c", is_c1 || iscntrl(*at) ? '?' : *at);
		at += is_c1;
	}
}

const char *text_str(const struct text *text)
{
	return text->data ? text->data : "";
}

bool text_ok(const struct text *text)
{
	return !text->failed;
}

void text_free(struct text *text)
{
	free(text->data);
	*text = (struct text){ 0 };
}
