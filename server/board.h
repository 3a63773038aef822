/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_BOARD_H
#define SERVER_BOARD_H

#include <stdbool.h>

struct stats;

/* What is worth one line on stderr, however many workers meet it how often. */
enum notice {
	NOTICE_EPERM,
	NOTICE_EMFILE,
	NOTICE_COUNT,
};

/*
 * The memory that the supervisor and its workers share: the counters of each of them.
 * Opaque: it owns a mapping, which forked children inherit.
 */
struct board;

/* Makes one for workers processes and the supervisor. Returns 0 or -errno. */
int board_open(struct board **out, unsigned workers);

/* Unmaps it in this process; NULL is allowed. */
void board_close(struct board *board);

/* The counters of worker 0..workers-1, or, with number workers, of the supervisor. */
struct stats *board_slot(struct board *board, unsigned number);

/* The sum over all processes. */
void board_sum(const struct board *board, struct stats *out);

/* Whether this is the first time, over all processes, that the notice is asked for. */
bool board_first(struct board *board, enum notice notice);

#endif
