// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/complaint.h"

#include <stdbool.h>
#include <stdio.h>

#include "guard/caret.h"
#include "lib/text.h"

/* As much of a file as can matter to a person. */
enum { BYTES_MAX = 1 << 16 };

/* Another look at the file; where it cannot be had again there is nothing to show. */
static void read_file(const char *path, struct text *out)
{
	FILE *file = fopen(path, "re");
	int c;

	while (file && out->length < BYTES_MAX && (c = getc(file)) != EOF)
		text_add(out, "%c", c ? c : '?');
	if (file)
		fclose(file);
}

void complaint_tell(const struct complaint *complaint, const char *path, struct text *out)
{
	struct text content = { 0 };
	struct caret caret;
	bool found;

	read_file(path, &content);
	found = caret_find(text_str(&content), complaint->line, complaint->sentence,
			   &caret) == 0;
	if (found || complaint->line)
		text_add(out, "%s:%d: ", path, found ? caret.number : complaint->line);
	text_add(out, "%s", complaint->sentence);
	if (found)
		caret_add(&caret, out);
	text_free(&content);
}
