/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_POOL_H
#define SERVER_POOL_H

#include <stddef.h>

/*
 * Blocks of one size, taken from slabs and reused in the order that keeps caches warm.
 * Slabs are kept until the pool is closed. Opaque: it owns memory.
 */
struct pool;

/*
 * Opens a pool of blocks of block_bytes (at least a pointer) of which at most
 * limit_bytes in all are ever out. Takes no slab yet. Returns 0 or -ENOMEM.
 */
int pool_open(struct pool **out, size_t block_bytes, size_t limit_bytes);

/* Frees everything, also blocks that are out; NULL is allowed. */
void pool_close(struct pool *pool);

/* A block with undefined contents; NULL at the limit or without memory. */
void *pool_get(struct pool *pool);

/* Gives a block back; NULL is allowed. */
void pool_put(struct pool *pool, void *block);

/* Blocks that are out. */
size_t pool_used(const struct pool *pool);

#endif
