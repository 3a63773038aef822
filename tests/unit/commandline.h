/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_COMMANDLINE_H
#define TESTS_UNIT_COMMANDLINE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { COMMANDLINE_WORDS_MAX = 80 };

/* A command line of words that are separated by single spaces. */
struct commandline {
	char text[1000];
	char *argv[COMMANDLINE_WORDS_MAX + 2];
	int argc;
};

static inline void commandline_split(struct commandline *line, const char *program,
				     const char *words)
{
	int length = snprintf(line->text, sizeof(line->text), "%s%s%s", program,
			      *words ? " " : "", words);

	assert_true(length > 0 && (size_t)length < sizeof(line->text));
	line->argc = 0;
	for (char *word = strtok(line->text, " "); word; word = strtok(NULL, " ")) {
		assert_true(line->argc <= COMMANDLINE_WORDS_MAX);
		line->argv[line->argc++] = word;
	}
	line->argv[line->argc] = NULL;
}

#endif
