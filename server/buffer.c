// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/buffer.h"

#include <errno.h>
#include <string.h>

#include "server/pool.h"

int buffer_pool_open(struct pool **out, size_t capacity, size_t limit_bytes)
{
	return pool_open(out, sizeof(struct buffer) + capacity, limit_bytes);
}

struct buffer *buffer_get(struct pool *pool, size_t capacity)
{
	struct buffer *buffer = pool_get(pool);

	if (!buffer)
		return NULL;
	buffer->pool = pool;
	buffer->start = 0;
	buffer->end = 0;
	buffer->capacity = (uint32_t)capacity;
	return buffer;
}

void buffer_put(struct buffer **buffer)
{
	if (*buffer)
		pool_put((*buffer)->pool, *buffer);
	*buffer = NULL;
}

size_t buffer_bytes(const struct buffer *buffer)
{
	return buffer->end - buffer->start;
}

int buffer_append(struct buffer *buffer, size_t reserve, const void *data, size_t bytes)
{
	size_t waiting = buffer_bytes(buffer);

	if (waiting + bytes + reserve > buffer->capacity)
		return -EAGAIN;
	/* Moved only when the end is reached, not at each write. */
	if (buffer->end + bytes > buffer->capacity) {
		memmove(buffer->data, buffer->data + buffer->start, waiting);
		buffer->start = 0;
		buffer->end = (uint32_t)waiting;
	}
	memcpy(buffer->data + buffer->end, data, bytes);
	buffer->end += (uint32_t)bytes;
	return 0;
}
