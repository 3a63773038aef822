/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_LOGBOOK_H
#define GUARD_LOGBOOK_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/* Beyond this many bytes a logbook is moved to "PATH.1", over the one before, and begun anew. */
enum { LOGBOOK_BYTES_MAX = 1 << 20 };

/*
 * The journal's file: one JSON object a line, appended. Nothing of it is held open, so that a
 * disk that was full, or a file that was moved away, heals by itself. A value.
 */
struct logbook {
	const char *path; /* borrowed; NULL: nothing is kept */
};

/*
 * Appends a line of length bytes that ends with a newline, after a newline of its own if
 * the file ends in the middle of a line, as after a crash. Returns 0 or -errno, also where a file that
 * is full cannot be moved; of a line that could be written only in part (a full disk) nothing is left.
 */
int logbook_append(const struct logbook *logbook, const char *line, size_t length);

/*
 * Reads "PATH.1" and PATH, of each no more than the last 4 MiB: an array of objects, oldest first, for the
 * caller to release.
 * Lines that are none are skipped and counted. Returns 0 or -errno (-ENOENT: neither is there).
 */
int logbook_read(const char *path, json_t **out, uint64_t *skipped);

#endif
