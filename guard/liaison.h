/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_LIAISON_H
#define GUARD_LIAISON_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/notify.h"

struct log;
struct status;

enum { LIAISON_TEXT_MAX = 512 };

/*
 * Tells the service manager how the guard is. It hears "alive" only from a loop that looks at
 * the table and sees it. Without a manager all of it does nothing.
 */
struct liaison {
	struct notify notify;
	uint64_t seen_ns;            /* the last look that succeeded */
	uint64_t fed_ns;             /* when the watchdog was fed */
	uint64_t told_ns;            /* when the status was told */
	bool unready;                /* the manager has not heard yet that it guards */
	char told[LIAISON_TEXT_MAX]; /* it, without its numbers */
};

/* Finds the manager; log has a word if it cannot be told. */
void liaison_open(struct liaison *liaison, const struct log *log);

/* It guards, for the first time or after a reload; a reload begins; it ends. */
void liaison_ready(struct liaison *liaison, const struct status *status);
void liaison_reloading(const struct liaison *liaison);
void liaison_stopping(const struct liaison *liaison);

/* Whether there is a manager. */
bool liaison_listens(const struct liaison *liaison);

/*
 * To be called after each look, the last that saw its table being of looked_ns: feeds the
 * manager's watchdog if this one did, and tells what changed. Waits for nobody.
 */
void liaison_look(struct liaison *liaison, const struct status *status,
		  uint64_t looked_ns);

/* Seconds after which there must be another look for the watchdog's sake; INFINITY without one. */
double liaison_patience_s(const struct liaison *liaison);

/* Again is allowed. */
void liaison_close(struct liaison *liaison);

#endif
