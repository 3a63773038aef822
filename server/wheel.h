/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_WHEEL_H
#define SERVER_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A hashed timer wheel: many timers for the price of a list each, driven by one real
 * timer. Pure: the caller brings the clock (CLOCK_MONOTONIC, ns). Times are kept in
 * ticks, so an entry comes up to one tick late, never early.
 */
enum { WHEEL_SLOTS = 256 };

/* Lives in the caller's struct; zero-initialise before use. */
struct wheel_entry {
	struct wheel_entry *next;
	struct wheel_entry **link; /* what points here; NULL while not in a wheel */
	uint64_t due;              /* tick */
};

struct wheel {
	uint64_t tick_ns;
	uint64_t tick;            /* the one whose slot is looked at next */
	size_t count;             /* entries in the wheel */
	struct wheel_entry *scan; /* rest of the current slot, valid while scanning */
	bool scanning;
	struct wheel_entry *slots[WHEEL_SLOTS];
	uint32_t crowd[WHEEL_SLOTS]; /* entries of each slot */
};

/* tick_ns > 0: the granularity. */
void wheel_init(struct wheel *wheel, uint64_t tick_ns);

/* Adds an entry that is in no wheel; a due time that has passed means the next tick. */
void wheel_add(struct wheel *wheel, struct wheel_entry *entry, uint64_t now_ns,
	       uint64_t due_ns);

/*
 * For entries that come in a burst and then recur: the first time from due_ns on, and less
 * than span_ns later, at which not many more entries are due than at others; due_ns if
 * there is none.
 */
uint64_t wheel_spread(const struct wheel *wheel, uint64_t due_ns, uint64_t span_ns);

/* Takes an entry out; nothing happens if it is not in. */
void wheel_remove(struct wheel *wheel, struct wheel_entry *entry);

/*
 * Takes out and returns an entry that is due at now_ns; NULL when there is none left.
 * Entries may be added and removed between the calls.
 */
struct wheel_entry *wheel_expired(struct wheel *wheel, uint64_t now_ns);

#endif
