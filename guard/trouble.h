/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_TROUBLE_H
#define GUARD_TROUBLE_H

#include <stdint.h>

struct log;

/* Errors that the guard goes on after. Zero-initialise all but the log. */
struct trouble {
	const struct log *log;
	uint64_t count;
	uint64_t told_ns; /* when the last one was logged; 0: never */
};

/*
 * Counts an error, what being what could not be done and err -errno, and logs it if none
 * was for a while: a broken table must not fill the log.
 */
void trouble_note(struct trouble *trouble, const char *what, int err);

#endif
