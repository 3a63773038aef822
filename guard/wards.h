/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_WARDS_H
#define GUARD_WARDS_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conntrack/home.h"
#include "conntrack/place.h"
#include "guard/turnstile.h"
#include "guard/ward.h"

struct atlas;
struct text;

/* As many as are guarded at most. */
enum { WARDS_MAX = STATUS_TABLES_MAX };

/* All that the guard guards. Zero-initialise. */
struct wards {
	size_t count;
	struct ward *list[WARDS_MAX];
	struct ward_setup setup;
	struct home home;
	bool named;           /* else there is one, in which the guard is */
	struct place place;   /* of the one that has a name */
	struct atlas *atlas;  /* of all */
	bool paused;          /* by an order for all: so are those that come */
	struct ev_loop *loop; /* NULL: rounds do not run */
	struct turnstile turnstile;
	struct text *why; /* while the first are opened: the reason of what fails */
	ev_timer update;
	uint64_t refused[WARDS_MAX]; /* numbers of those of which it was said why not */
	size_t refusals;             /* counts up without end; modulo WARDS_MAX */
};

/*
 * Opens a ward in the network namespaces that the configuration says: without a word in that of the
 * calling thread, which is also meant by a name (see startup_enter()). Returns as ward_open().
 */
int wards_open(struct wards *wards, const struct ward_setup *setup, struct text *why);

/*
 * Rounds begin, and the looking for namespaces that come and go; or they are stopped, until the next
 * start. The loop is broken when none is left.
 */
void wards_start(struct wards *wards, struct ev_loop *loop);
void wards_stop(struct wards *wards);

/* The ward of a network namespace, by its inode; NULL: it is not guarded. */
struct ward *wards_find(const struct wards *wards, uint64_t inode);

/*
 * The steps of a reload, as ward.h has them, in all of them: hand_over, prepare (in all or in none) and swap. Each returns 0
 * or -errno with a sentence in *why.
 */
int wards_hand_over(const struct wards *wards, const struct config *wanted,
		    struct text *why);
int wards_prepare(const struct wards *wards, struct text *why);
int wards_swap(const struct wards *wards, struct text *why);

/* Takes the rules away in all of them. Returns 0 or the last -errno. */
int wards_withdraw(const struct wards *wards);

/* Tells the journal at the end what stays, where something does. */
void wards_say_goodbye(const struct wards *wards);

/* Closes them without touching the rules, before the loop is destroyed. */
void wards_close(struct wards *wards);

#endif
