/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_BUFFER_H
#define SERVER_BUFFER_H

#include <stddef.h>
#include <stdint.h>

struct pool;

/* What a connection could not write, or not read on with, in a block of a pool. */
struct buffer {
	struct pool *pool; /* where the block goes back to */
	uint32_t start;    /* first byte that is left */
	uint32_t end;
	uint32_t capacity;
	char data[];
};

/* Opens a pool of buffers for capacity bytes each, of which limit_bytes in all are ever out. */
int buffer_pool_open(struct pool **out, size_t capacity, size_t limit_bytes);

/* An empty buffer for capacity bytes, which is what pool was opened with; NULL at the limit. */
struct buffer *buffer_get(struct pool *pool, size_t capacity);

/* Gives it back and clears the pointer; NULL is allowed. */
void buffer_put(struct buffer **buffer);

/* Adds bytes, if reserve bytes are still free after them. Returns 0 or -EAGAIN. */
int buffer_append(struct buffer *buffer, size_t reserve, const void *data, size_t bytes);

/* How many bytes are left in it. */
size_t buffer_bytes(const struct buffer *buffer);

#endif
