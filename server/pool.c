// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/pool.h"

#include <assert.h>
#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>

/* Aimed at; a slab holds one block at least. */
enum { SLAB_BYTES = 64 * 1024 };

struct slab {
	struct slab *next;
	alignas(max_align_t) char blocks[];
};

struct free_block {
	struct free_block *next;
};

struct pool {
	size_t block_bytes;
	size_t per_slab;  /* blocks */
	size_t limit;     /* blocks */
	size_t used;      /* blocks */
	size_t untouched; /* blocks at the end of the newest slab that were never out */
	struct free_block *free;
	struct slab *slabs; /* newest first */
};

int pool_open(struct pool **out, size_t block_bytes, size_t limit_bytes)
{
	const size_t align = alignof(max_align_t);
	struct pool *pool = calloc(1, sizeof(*pool));

	assert(block_bytes >= sizeof(struct free_block));
	if (!pool)
		return -ENOMEM;
	pool->block_bytes = (block_bytes + align - 1) / align * align;
	pool->per_slab = (SLAB_BYTES - sizeof(struct slab)) / pool->block_bytes;
	if (pool->per_slab == 0)
		pool->per_slab = 1;
	pool->limit = limit_bytes / pool->block_bytes;
	*out = pool;
	return 0;
}

void pool_close(struct pool *pool)
{
	struct slab *next;

	if (!pool)
		return;
	for (struct slab *slab = pool->slabs; slab; slab = next) {
		next = slab->next;
		free(slab);
	}
	free(pool);
}

/* The blocks are not chained here: pages are touched only when they are needed. */
static int add_slab(struct pool *pool)
{
	struct slab *slab = malloc(sizeof(*slab) + pool->per_slab * pool->block_bytes);

	if (!slab)
		return -ENOMEM;
	slab->next = pool->slabs;
	pool->slabs = slab;
	pool->untouched = pool->per_slab;
	return 0;
}

void *pool_get(struct pool *pool)
{
	struct free_block *block = pool->free;

	if (pool->used == pool->limit)
		return NULL;
	if (block) {
		pool->free = block->next;
		pool->used++;
		return block;
	}
	if (pool->untouched == 0 && add_slab(pool) < 0)
		return NULL;
	pool->used++;
	return pool->slabs->blocks + --pool->untouched * pool->block_bytes;
}

void pool_put(struct pool *pool, void *block)
{
	struct free_block *freed = block;

	if (!freed)
		return;
	assert(pool->used > 0);
	freed->next = pool->free;
	pool->free = freed;
	pool->used--;
}

size_t pool_used(const struct pool *pool)
{
	return pool->used;
}
