/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_CAPTURE_H
#define TESTS_UNIT_CAPTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

/* What goes to stderr between begin and end. */
struct capture {
	FILE *file;
	int saved;
};

static inline void capture_begin(struct capture *capture)
{
	capture->file = tmpfile();
	assert_non_null(capture->file);
	fflush(stderr);
	capture->saved = dup(STDERR_FILENO);
	assert_true(dup2(fileno(capture->file), STDERR_FILENO) >= 0);
}

/* Writes it to text, a string, as much of it as there is room for. */
static inline void capture_end(struct capture *capture, char *text, size_t size)
{
	fflush(stderr);
	assert_true(dup2(capture->saved, STDERR_FILENO) >= 0);
	close(capture->saved);
	rewind(capture->file);
	text[fread(text, 1, size - 1, capture->file)] = '\0';
	fclose(capture->file);
}

#endif
