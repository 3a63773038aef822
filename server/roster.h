/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_ROSTER_H
#define SERVER_ROSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct presence;

/*
 * The feeds of one worker by the hash of their id, any number with the same one. Tells the
 * presence what there is. Opaque: it owns a table, not the entries.
 */
struct roster;

/* Lives in the caller's struct; zero-initialise before use. */
struct roster_entry {
	struct roster_entry *next;
	struct roster_entry **link; /* what points here; NULL while in no roster */
	uint32_t hash;
};

/* Opens one without entries for a worker, and resets its presence. Returns 0 or -ENOMEM. */
int roster_open(struct roster **out, struct presence *presence, unsigned worker);

/* Frees the table, which should be empty; NULL is allowed. */
void roster_close(struct roster *roster);

/* Adds an entry that is in no roster. */
void roster_add(struct roster *roster, struct roster_entry *entry, uint32_t hash);

/* Takes an entry out; nothing happens if it is not in. */
void roster_remove(struct roster *roster, struct roster_entry *entry);

/* Starts over to visit the entries with this hash, or all there are. */
void roster_scan(struct roster *roster, uint32_t hash);
void roster_scan_all(struct roster *roster);

/*
 * The next entry of the scan, NULL after the last. Any may be added and removed between
 * the calls; one that is added may be visited or not.
 */
struct roster_entry *roster_next(struct roster *roster);

/* How many entries there are. */
size_t roster_count(const struct roster *roster);

#endif
