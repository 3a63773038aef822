// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/roster.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "server/presence.h"

/*
 * A bucket is the hash's upper bits, as the slot of the presence is with more of them: so
 * all entries of a slot are in one bucket, as long as there are no more buckets than slots.
 */
enum { FIRST_BITS = 6, MOST_BITS = PRESENCE_BITS };

struct roster {
	struct presence *presence;
	unsigned worker;
	unsigned bits; /* 1 << bits buckets */
	size_t count;
	bool scanning;
	bool all;                  /* scanning for every entry */
	uint32_t hash;             /* scanning for this one, if not for all */
	size_t at;                 /* bucket that is scanned */
	struct roster_entry *scan; /* next one there */
	struct roster_entry **buckets;
};

static size_t bucket_of(const struct roster *roster, uint32_t hash)
{
	return hash >> (32 - roster->bits);
}

int roster_open(struct roster **out, struct presence *presence, unsigned worker)
{
	struct roster *roster = calloc(1, sizeof(*roster));

	if (!roster)
		return -ENOMEM;
	roster->presence = presence;
	roster->worker = worker;
	roster->bits = FIRST_BITS;
	roster->buckets = calloc((size_t)1 << FIRST_BITS, sizeof(struct roster_entry *));
	if (!roster->buckets) {
		free(roster);
		return -ENOMEM;
	}
	presence_reset(presence, worker);
	*out = roster;
	return 0;
}

void roster_close(struct roster *roster)
{
	if (!roster)
		return;
	free(roster->buckets);
	free(roster);
}

static void push(struct roster_entry **bucket, struct roster_entry *entry)
{
	entry->next = *bucket;
	entry->link = bucket;
	if (*bucket)
		(*bucket)->link = &entry->next;
	*bucket = entry;
}

/* Twice the buckets, each old one spread over two; without memory the chains get longer. */
static void grow(struct roster *roster)
{
	size_t old = (size_t)1 << roster->bits;
	struct roster_entry **buckets = calloc(2 * old, sizeof(struct roster_entry *));

	if (!buckets)
		return;
	roster->bits++;
	for (size_t i = 0; i < old; i++) {
		struct roster_entry *entry = roster->buckets[i], *next;

		for (; entry; entry = next) {
			next = entry->next;
			push(&buckets[bucket_of(roster, entry->hash)], entry);
		}
	}
	free(roster->buckets);
	roster->buckets = buckets;
}

void roster_add(struct roster *roster, struct roster_entry *entry, uint32_t hash)
{
	assert(!entry->link);
	/* Not while a scan knows where it is. */
	if (roster->count >> roster->bits && roster->bits < MOST_BITS &&
	    !roster->scanning)
		grow(roster);
	entry->hash = hash;
	push(&roster->buckets[bucket_of(roster, hash)], entry);
	roster->count++;
	presence_set(roster->presence, roster->worker, hash);
}

/* Whether any entry is left that has the slot of hash. */
static bool has_slot(const struct roster *roster, uint32_t hash)
{
	const struct roster_entry *entry = roster->buckets[bucket_of(roster, hash)];

	while (entry && presence_slot(entry->hash) != presence_slot(hash))
		entry = entry->next;
	return entry != NULL;
}

void roster_remove(struct roster *roster, struct roster_entry *entry)
{
	if (!entry->link)
		return;
	if (roster->scan == entry)
		roster->scan = entry->next;
	*entry->link = entry->next;
	if (entry->next)
		entry->next->link = entry->link;
	entry->next = NULL;
	entry->link = NULL;
	roster->count--;
	if (!has_slot(roster, entry->hash))
		presence_clear(roster->presence, roster->worker, entry->hash);
}

void roster_scan(struct roster *roster, uint32_t hash)
{
	roster->scanning = true;
	roster->all = false;
	roster->hash = hash;
	roster->scan = roster->buckets[bucket_of(roster, hash)];
}

void roster_scan_all(struct roster *roster)
{
	roster->scanning = true;
	roster->all = true;
	roster->at = 0;
	roster->scan = roster->buckets[0];
}

/* On to the next bucket that has entries; false after the last. */
static bool next_bucket(struct roster *roster)
{
	while (!roster->scan && roster->all && roster->at + 1 < (size_t)1 << roster->bits)
		roster->scan = roster->buckets[++roster->at];
	return roster->scan != NULL;
}

struct roster_entry *roster_next(struct roster *roster)
{
	while (roster->scanning && next_bucket(roster)) {
		struct roster_entry *entry = roster->scan;

		roster->scan = entry->next;
		if (roster->all || entry->hash == roster->hash)
			return entry;
	}
	roster->scanning = false;
	return NULL;
}

size_t roster_count(const struct roster *roster)
{
	return roster->count;
}
