/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_WARD_H
#define GUARD_WARD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "conntrack/atlas.h"
#include "conntrack/netns.h"
#include "conntrack/table.h"
#include "guard/journal.h"
#include "guard/orders.h"
#include "guard/post.h"
#include "guard/remedy.h"
#include "guard/rounds.h"
#include "guard/status.h"
#include "guard/trouble.h"
#include "lib/log.h"
#include "rules/legacy.h"

struct chores;
struct config;
struct ev_loop;
struct home;
struct nl;
struct roll;
struct text;

/*
 * What the guard is in one network namespace: its rounds, and all that they need. What is called
 * below enters the namespace, if need be, and comes back.
 */
struct ward {
	char name[ATLAS_NAME_MAX];  /* of the namespace; "": it needs none */
	char label[ATLAS_NAME_MAX]; /* what metrics call it */
	struct netns netns;
	struct home *home; /* where the thread comes from; NULL: it is there always */
	uint64_t inode;    /* its number */
	const struct config *base; /* of the guard */
	const struct roll *roll;
	struct config *config; /* base, and what programs have registered here */
	struct config *wanted; /* that is about to be swapped in */
	struct log log;
	struct journal *journal;
	struct journal own_journal; /* where the namespace has a name */
	const struct legacy *legacy;
	struct legacy own_legacy; /* if nobody else had it */
	bool rehearse;
	const size_t *guarded; /* network namespaces, with this one */
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
	const struct roll *roll;     /* who has registered services */
	const struct log *log;
	struct journal *journal;
	const struct legacy
		*legacy; /* of the one that there is; NULL: each opens its own */
	bool rehearse;
	const size_t *guarded;    /* how many network namespaces are */
	rounds_looked_cb *looked; /* called after each look */
	void *data;
};

/* Which namespace. */
struct ward_place {
	const char *name;
	const struct netns *netns; /* taken over, if it succeeds */
	struct home *home;         /* borrowed */
};

/*
 * Opens everything there (place NULL: where the calling thread is, and stays), and takes over the
 * leases of an earlier guard, as far as they are safe still. Returns 0, or -errno with a
 * sentence in *why: -EPERM (no CAP_NET_ADMIN there, or not to be entered), -ENOENT (no conntrack in the kernel),
 * -EADDRINUSE (another guard runs there), -EEXIST (the nft table is somebody else's).
 */
int ward_open(struct ward **out, const struct ward_setup *setup,
	      const struct ward_place *place, struct text *why);

/* The namespace is called so from now on. */
void ward_rename(struct ward *ward, const char *name);

/* And so in metrics (struct atlas_entry): at first, as it is named. */
void ward_label(struct ward *ward, const char *label);

/* Rounds begin, and those of a stopped one again. */
void ward_start(struct ward *ward, struct ev_loop *loop);

/* No rounds until the next start; again is allowed. */
void ward_stop(struct ward *ward);

/*
 * Another configuration: what is out by the present one and may not be by wanted is given back first.
 * Then what that needs is opened, besides what there is, with what is registered;
 * and either swapped in, taking over what is out, or forgotten. They return 0 or -errno, with a
 * sentence in *why.
 */
int ward_hand_over(struct ward *ward, const struct config *wanted, struct text *why);
int ward_prepare(struct ward *ward, struct text *why);
int ward_swap(struct ward *ward, struct text *why);
void ward_forget(struct ward *ward);

/* Carries an order out, as orders_answer(). */
json_t *ward_answer(struct ward *ward, const json_t *request);

/* Takes the rules away, as remedy_withdraw(). */
int ward_withdraw(struct ward *ward);

/* Tells the journal what it took over; and at the end, what stays. */
void ward_tell_adopted(const struct ward *ward);
void ward_say_goodbye(const struct ward *ward);

/* A guard of a table that nothing fills would look broken: says that, if it is so. */
void ward_say_if_inactive(const struct ward *ward);

/* Reads the kernel's counters, for the status: it keeps the last if there are no new ones. */
void ward_read_totals(struct ward *ward);

/* What it is doing; the pointers are the ward's. */
struct status_table ward_status(const struct ward *ward);

/* Closes it without touching the rules, before the loop is destroyed; NULL is allowed. */
void ward_close(struct ward *ward);

#endif
