/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_CHORES_H
#define GUARD_CHORES_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/service.h"
#include "rules/terms.h"

struct ev_loop;

/*
 * What takes longer than a look at the table may wait: a thread beside the loop does it, one
 * after the other, relief before what is only looked at, with netlink conversations of its own in the network namespace in which it
 * was started. Opaque.
 */
struct chores;

enum chore_kind {
	CHORE_RECLAIM,    /* delete the entries of what is out of tracking of a service */
	CHORE_PURGE,      /* make the kernel collect expired entries */
	CHORE_COUNT,      /* count the open TCP connections of a service */
	CHORE_TRANSLATED, /* count live entries of a service that are translated */
};

/* What is to be done, and what came of it. */
struct chore {
	enum chore_kind kind;
	struct service service; /* all but PURGE */
	struct extent extent;   /* RECLAIM: how much of it is out */
	double expected;        /* RECLAIM: entries that are thought to go */
	uint32_t entries;       /* RECLAIM, PURGE: of the table before */
	uint32_t most;          /* COUNT: more do not matter */
	uint64_t begun_ns;      /* when it was asked for */
	int err;                /* 0, or -errno: it was not done, or in part */
	uint32_t done;          /* entries deleted one by one; or what was counted */
};

/* Called in the loop for each that is done. */
typedef void chores_done_cb(const struct chore *chore, void *data);

/* Starts the thread. Returns 0 or -errno. */
int chores_open(struct chores **out);

/* Breaks off what is being done, and ends the thread; NULL is allowed. */
void chores_close(struct chores *chores);

/* Tells done from here on, in the loop; chores_close() before the loop is destroyed. */
void chores_start(struct chores *chores, struct ev_loop *loop, chores_done_cb *done,
		  void *data);

/* Asks for it. False if too much is asked for already: it will not be done. */
bool chores_ask(struct chores *chores, const struct chore *chore);

/* Whether the same is asked for of the same service, and surely not begun yet. */
bool chores_waits(struct chores *chores, const struct chore *chore);

/* Whether one of that kind is asked for or being done. */
bool chores_pending(struct chores *chores, enum chore_kind kind);

/* Whether one is that walks the table, under a lock of the kernel's that others then wait for. */
bool chores_walking(struct chores *chores);

/* Entries that are thought to go by what is asked for and not yet done. */
double chores_leaving(struct chores *chores);

#endif
