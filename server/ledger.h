/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_LEDGER_H
#define SERVER_LEDGER_H

#include <stdint.h>

/*
 * Which of the numbered questions were answered, once each, and which are lost because
 * no answer came in time. Pure: the caller brings the clock. Opaque: it owns one bit for
 * each question that it can remember.
 */
struct ledger;

enum ledger_answer {
	LEDGER_FIRST,   /* the question was open, and is settled now */
	LEDGER_AGAIN,   /* it was settled before: a duplicate */
	LEDGER_LATE,    /* it was given up before: too late */
	LEDGER_UNKNOWN, /* it was never asked, or too long ago to remember */
};

/*
 * A ledger that remembers the last `capacity` questions (rounded up to a power of two)
 * and gives up one that is open for wait_ns. Returns 0 or -ENOMEM.
 */
int ledger_open(struct ledger **out, uint64_t capacity, uint64_t wait_ns);

/* Frees it; NULL is allowed. */
void ledger_close(struct ledger *ledger);

/* How many more can be asked before the oldest that is still open would be forgotten. */
uint64_t ledger_room(const struct ledger *ledger);

/* Asks the next n questions (at most ledger_room()); the first has number ledger_asked(). */
void ledger_ask(struct ledger *ledger, uint64_t now_ns, uint64_t n);

/* Settles question number i: it was answered, or could not be sent. */
enum ledger_answer ledger_settle(struct ledger *ledger, uint64_t i);

/* Gives up what is open for too long; returns how many that were. */
uint64_t ledger_expire(struct ledger *ledger, uint64_t now_ns);

/* When ledger_expire() should be called next; UINT64_MAX if nothing is open. */
uint64_t ledger_expiry_ns(const struct ledger *ledger);

uint64_t ledger_asked(const struct ledger *ledger);

/* Asked, and neither settled nor given up. */
uint64_t ledger_outstanding(const struct ledger *ledger);

/* All with a lower number are settled or given up; brought up to date by ledger_expire(). */
uint64_t ledger_frontier(const struct ledger *ledger);

#endif
