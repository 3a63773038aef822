/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_PRESENCE_H
#define SERVER_PRESENCE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Which worker may have a feed with a given id: a bit per slot of the hash and worker, in
 * memory that all processes share. A worker sets and clears its own bits; the router
 * reads them all. A bit may be set for another id that shares the slot, never clear for
 * one that is there. Opaque: it owns a mapping, which forked children inherit.
 */
struct presence;

/* The slot of a hash are its upper bits. */
enum { PRESENCE_BITS = 20, PRESENCE_SLOTS = 1 << PRESENCE_BITS };

static inline uint32_t presence_slot(uint32_t hash)
{
	return hash >> (32 - PRESENCE_BITS);
}

/* Makes one for workers processes, with no bit set. Returns 0 or -errno. */
int presence_open(struct presence **out, unsigned workers);

/* Unmaps it in this process; NULL is allowed. */
void presence_close(struct presence *presence);

/* A worker got its first, or lost its last, feed of the slot that hash has. */
void presence_set(struct presence *presence, unsigned worker, uint32_t hash);
void presence_clear(struct presence *presence, unsigned worker, uint32_t hash);

/* A worker starts, after one that may have died: it has no feeds. */
void presence_reset(struct presence *presence, unsigned worker);

/* Whether the worker may have a feed whose id has this hash. */
bool presence_may(const struct presence *presence, unsigned worker, uint32_t hash);

#endif
