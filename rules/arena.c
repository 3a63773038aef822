// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 64 << 10 };

struct arena_chunk {
	struct arena_chunk *next;
	size_t bytes;
	size_t used;
	_Alignas(max_align_t) unsigned char data[];
};

static size_t aligned(size_t bytes)
{
	const size_t unit = _Alignof(max_align_t);

	return (bytes + unit - 1) / unit * unit;
}

static struct arena_chunk *add_chunk(struct arena *arena, size_t bytes)
{
	size_t size = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
	struct arena_chunk *chunk = malloc(sizeof(*chunk) + size);

	if (!chunk)
		return NULL;
	*chunk = (struct arena_chunk){ .next = arena->chunks, .bytes = size };
	arena->chunks = chunk;
	return chunk;
}

void *arena_take(struct arena *arena, size_t bytes)
{
	size_t limit = arena->limit ? arena->limit : ARENA_LIMIT;
	struct arena_chunk *chunk = arena->chunks;
	void *data;

	if (bytes > limit || arena->used > limit - bytes)
		return NULL;
	/* Below the limit it cannot wrap. */
	bytes = aligned(bytes);
	if (!chunk || chunk->bytes - chunk->used < bytes)
		/* What is left of the one before stays unused. */
		chunk = add_chunk(arena, bytes);
	if (!chunk)
		return NULL;
	data = chunk->data + chunk->used;
	chunk->used += bytes;
	arena->used += bytes;
	/* Not by calloc(): what arena_release() gave back is taken again. */
	return memset(data, 0, bytes);
}

void *arena_copy(struct arena *arena, const void *data, size_t bytes)
{
	void *copy = bytes < SIZE_MAX ? arena_take(arena, bytes + 1) : NULL;

	if (copy && bytes)
		memcpy(copy, data, bytes);
	return copy;
}

struct arena_mark arena_mark(const struct arena *arena)
{
	return (struct arena_mark){
		.chunk = arena->chunks,
		.chunk_used = arena->chunks ? arena->chunks->used : 0,
		.used = arena->used,
	};
}

void arena_release(struct arena *arena, const struct arena_mark *mark)
{
	/* The newest are first, so those in front of the mark's came after it. */
	while (arena->chunks != mark->chunk) {
		struct arena_chunk *next = arena->chunks->next;

		free(arena->chunks);
		arena->chunks = next;
	}
	if (arena->chunks)
		arena->chunks->used = mark->chunk_used;
	arena->used = mark->used;
}

void arena_free(struct arena *arena)
{
	const struct arena_mark empty = { 0 };

	arena_release(arena, &empty);
}
