/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_BOOK_H
#define SERVER_BOOK_H

#include <stdint.h>

struct flows_result;
struct ledger;

/* What those who send flows and those who read answers write down, so that the sums agree. */
struct book {
	struct ledger *ledger;
	struct flows_result *result;
};

/* Flow number i could not be sent. */
void book_not_sent(struct book *book, uint64_t i, int err);

/* n flows left. */
void book_sent(struct book *book, uint64_t n);

/* An answer to flow number i came. */
void book_answered(struct book *book, uint64_t i);

/* An error came instead of an answer. */
void book_refused(struct book *book, uint64_t i, int err);

#endif
