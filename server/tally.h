/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_TALLY_H
#define SERVER_TALLY_H

#include <stdint.h>

/* One more than the highest errno of Linux (EHWPOISON, 133). */
enum { TALLY_ERRNOS = 134 };

/* Failures by errno. A plain value; zero: none. */
struct tally {
	uint64_t by_errno[TALLY_ERRNOS]; /* [0]: numbers that Linux does not have */
};

/* Counts n failures with this errno (positive or negative, as it comes). */
void tally_add(struct tally *tally, int err, uint64_t n);

void tally_merge(struct tally *into, const struct tally *from);

uint64_t tally_total(const struct tally *tally);

/* The errno that counts most; 0 if there is none. */
int tally_worst(const struct tally *tally);

#endif
