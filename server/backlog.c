// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/backlog.h"

#include <stdint.h>
#include <string.h>

#include "server/buffer.h"

/* In front of each message stands its length, not aligned. */
static size_t length_at(const struct buffer *buffer, size_t at)
{
	uint16_t length;

	memcpy(&length, buffer->data + at, sizeof(length));
	return length;
}

bool backlog_has_room(const struct buffer *buffer, size_t bytes)
{
	return buffer_bytes(buffer) + sizeof(uint16_t) + bytes <= buffer->capacity;
}

const char *backlog_first(const struct buffer *buffer, size_t *bytes)
{
	if (buffer_bytes(buffer) == 0)
		return NULL;
	*bytes = length_at(buffer, buffer->start);
	return buffer->data + buffer->start + sizeof(uint16_t);
}

void backlog_drop(struct buffer *buffer)
{
	if (buffer_bytes(buffer) > 0)
		buffer->start +=
			(uint32_t)(sizeof(uint16_t) + length_at(buffer, buffer->start));
}

unsigned backlog_put(struct buffer *buffer, const char *text, size_t bytes)
{
	uint16_t length = (uint16_t)bytes;
	unsigned dropped = 0;

	while (!backlog_has_room(buffer, bytes) && buffer_bytes(buffer) > 0) {
		backlog_drop(buffer);
		dropped++;
	}
	if (!backlog_has_room(buffer, bytes))
		return dropped + 1;
	/* There is room for both: neither can fail, and half a message is never there. */
	buffer_append(buffer, bytes, &length, sizeof(length));
	buffer_append(buffer, 0, text, bytes);
	return dropped;
}

unsigned backlog_count(const struct buffer *buffer)
{
	unsigned count = 0;
	size_t at = buffer->start;

	for (; at < buffer->end; at += sizeof(uint16_t) + length_at(buffer, at))
		count++;
	return count;
}
