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
	struct ev_loop *loop;    /* what follows is known from desk_start() on */
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
 * Serves metrics where wanted says, if that is not where present says: the new place is
 * there before the old one goes. Returns 0, or -errno with a sentence in *why and
 * nothing changed.
 */
int desk_move(struct desk *desk, const struct config *present,
	      const struct config *wanted, struct text *why);

/* Before the loop is destroyed. */
void desk_close(struct desk *desk);

#endif
