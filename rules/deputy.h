/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_DEPUTY_H
#define RULES_DEPUTY_H

#include <stddef.h>

struct text;

/*
 * Something that is done in a process of its own, which ends with the one that started it: because it
 * leaves traces in the process that does it, or may never come back.
 */
struct deputy {
	/* Adds what there is to tell; returns 0 or -errno. */
	int (*perform)(const void *data, struct text *out);
	const void *data;
	double seconds_max;
	size_t bytes_max; /* to tell */
};

/*
 * Adds what the process told to out. Returns 0, -ETIMEDOUT, -E2BIG if it had too much to tell,
 * -ECANCELED if it failed or was killed, or another -errno. The process is no more afterwards.
 */
int deputy_run(const struct deputy *deputy, struct text *out);

#endif
