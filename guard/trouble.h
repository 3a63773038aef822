/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_TROUBLE_H
#define GUARD_TROUBLE_H

#include <stdint.h>

struct log;

/* There are fewer things that the guard does. */
enum { TROUBLE_KINDS = 16 };

/* Errors that the guard goes on after. Zero-initialise all but the log. */
struct trouble {
	const struct log *log;
	uint64_t count; /* of all */
	struct trouble_kind {
		const char *what; /* NULL: unused, as those that follow */
		uint64_t count;
		uint64_t told_ns; /* when the last one was logged; 0: never */
	} kind[TROUBLE_KINDS];
};

/*
 * Counts an error, what (which must stay) being what could not be done and err -errno, and logs it
 * if none of doing that was for a while: a broken table must not fill the log, nor hide what else is.
 */
void trouble_note(struct trouble *trouble, const char *what, int err);

#endif
