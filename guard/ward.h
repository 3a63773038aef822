/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_WARD_H
#define GUARD_WARD_H

#include <stdbool.h>
#include <stdint.h>

#include "conntrack/table.h"
#include "guard/orders.h"
#include "guard/post.h"
#include "guard/remedy.h"
#include "guard/rounds.h"
#include "guard/status.h"
#include "guard/trouble.h"

struct chores;
struct config;
struct ev_loop;
struct journal;
struct legacy;
struct log;
struct nl;
struct text;

/* What the guard is in one network namespace: its rounds, and all that they need. */
struct ward {
	const struct config *config;
	const struct log *log;
	struct journal *journal;
	const struct legacy *legacy;
	bool rehearse;
	int lock_fd;
	struct nl *nl;
	struct chores *chores;
	struct trouble trouble;
	struct post post;
	struct post next; /* of a configuration that is about to be swapped in */
	struct rounds rounds;
	struct remedy remedy;
	struct orders orders;
	bool counted;                    /* what follows was read */
	struct table_counters counters;  /* the kernel's, 32 bits each */
	uint64_t totals[TABLE_COUNTERS]; /* since the start */
};

/* What all wards are started with; borrowed, and must outlive them. */
struct ward_setup {
	const struct config *config; /* swapped as ward_prepare() says */
	const struct log *log;
	struct journal *journal;
	const struct legacy *legacy;
	bool rehearse;
	rounds_looked_cb *looked; /* called after each look */
	void *data;
};

/*
 * Opens everything in the network namespace of the calling thread. Returns 0 or -errno: -EPERM
 * (no CAP_NET_ADMIN), -ENOENT (no conntrack in the kernel), -EADDRINUSE (another guard runs there).
 */
int ward_open(struct ward **out, const struct ward_setup *setup);

/*
 * Takes over the leases of an earlier guard, as far as they are safe still. Returns 0, or -errno
 * with a sentence in *why: -EEXIST (the nft table is somebody else's).
 */
int ward_adopt(struct ward *ward, struct text *why);

/* Rounds begin, and those of a stopped one again. */
void ward_start(struct ward *ward, struct ev_loop *loop);

/* No rounds until the next start; again is allowed. */
void ward_stop(struct ward *ward);

/*
 * Opens what the configuration that config points to now needs, besides what there is. Returns 0
 * or -errno. Then either ward_swap() it in, and adopt anew; or ward_forget() it.
 */
int ward_prepare(struct ward *ward);
void ward_swap(struct ward *ward);
void ward_forget(struct ward *ward);

/* A guard of a table that nothing fills would look broken: says that, if it is so. */
void ward_say_if_inactive(const struct ward *ward);

/* Reads the kernel's counters, for the status: it keeps the last if there are no new ones. */
void ward_read_totals(struct ward *ward);

/* What it is doing; the pointers are the ward's. */
struct status_table ward_status(const struct ward *ward);

/* Closes it without touching the rules, before the loop is destroyed; NULL is allowed. */
void ward_close(struct ward *ward);

#endif
