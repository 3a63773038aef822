/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_HERALD_H
#define GUARD_HERALD_H

#include <stdint.h>

#include "lib/notify.h"

struct log;
struct status;

enum { HERALD_TEXT_MAX = 512 };

/*
 * Tells the service manager how the guard is. It hears "alive" only from a loop that looks at
 * the table and sees it. Without a manager all of it does nothing.
 */
struct herald {
	struct notify notify;
	uint64_t seen_ns;           /* the last look that succeeded */
	uint64_t fed_ns;            /* when the watchdog was fed */
	uint64_t told_ns;           /* when the status was told */
	char told[HERALD_TEXT_MAX]; /* it, without its numbers */
};

/* Finds the manager; log has a word if it cannot be told. */
void herald_open(struct herald *herald, const struct log *log);

/* It guards, for the first time or after a reload; a reload begins; it ends. */
void herald_ready(struct herald *herald, const struct status *status);
void herald_reloading(const struct herald *herald);
void herald_stopping(const struct herald *herald);

/*
 * To be called after each look, of the view in status: feeds the manager's watchdog if that look
 * saw the table, and tells what changed. Waits for nobody.
 */
void herald_look(struct herald *herald, const struct status *status);

/* Seconds after which there must be another look for the watchdog's sake; INFINITY without one. */
double herald_patience_s(const struct herald *herald);

/* Again is allowed. */
void herald_close(struct herald *herald);

#endif
