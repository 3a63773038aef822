/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_DESK_H
#define GUARD_DESK_H

#include <stdbool.h>

struct config;
struct control;
struct dispatch;
struct ev_loop;
struct log;
struct scrape;
struct text;

/* Where the guard meets the world: the socket for orders and the page of metrics. */
struct desk {
	struct control *control; /* NULL: it takes no orders */
	struct scrape *scrape;   /* NULL: nobody asked for metrics */
	struct scrape *next;     /* by the configuration that may come, if it moves */
	bool moves;
	struct ev_loop *loop; /* what follows is known from desk_start() on */
	struct dispatch *dispatch;
};

/*
 * Opens both as config says. A guard that takes no orders still guards, unless it was told where
 * to take them: log has a word of that. A rehearsal may stand beside a guard, and leaves it
 * the usual place. Returns 0, or -EADDRNOTAVAIL with a sentence in *why; close it then, too.
 */
int desk_open(struct desk *desk, const struct config *config, bool rehearse,
	      const struct log *log, struct text *why);

/* Serves from here on, by a loop; both are borrowed. */
void desk_start(struct desk *desk, struct ev_loop *loop, struct dispatch *dispatch);

/*
 * Opens what wanted says of metrics, if that is not what present says, beside what there is; it is
 * served from desk_move() on, if that comes. Returns 0, or -errno with a sentence in *why.
 */
int desk_prepare(struct desk *desk, const struct config *present,
		 const struct config *wanted, struct text *why);

/* Serves metrics at the place that was prepared last, and no longer at the old one. */
void desk_move(struct desk *desk);

/* Before the loop is destroyed. */
void desk_close(struct desk *desk);

#endif
