/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_ARENA_H
#define RULES_ARENA_H

#include <stddef.h>

/*
 * Memory for many small things that are freed together. Bounded: what would go beyond
 * the limit fails as if memory had run out. Zero-initialise but for limit before use.
 */
struct arena {
	struct arena_chunk *chunks; /* the newest first */
	size_t used;                /* bytes, of all chunks */
	size_t limit;               /* bytes; 0: ARENA_LIMIT */
};

enum { ARENA_LIMIT = 256 << 20 };

/* Zeroed bytes, aligned for anything; NULL when memory ran out. Theirs until released. */
void *arena_take(struct arena *arena, size_t bytes);

/* A copy of bytes with a zero byte behind them. */
void *arena_copy(struct arena *arena, const void *data, size_t bytes);

/* Where the arena stands; arena_release() frees what was taken since. */
struct arena_mark {
	struct arena_chunk *chunk;
	size_t chunk_used;
	size_t used;
};
struct arena_mark arena_mark(const struct arena *arena);
void arena_release(struct arena *arena, const struct arena_mark *mark);

/* Frees all of it; the arena is as new. */
void arena_free(struct arena *arena);

#endif
