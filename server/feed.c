// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/feed.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* "HHHH\r\n": the size of a chunk may have leading zeros (RFC 9112, 7.1), so it is written last. */
enum { CHUNK_HEAD = 6, CHUNK_TAIL = 2 };

static const char EVENT_HEAD[] = "data: ";

__attribute__((format(printf, 3, 4))) static size_t
line(char text[FEED_TEXT_MAX], unsigned framing, const char *fmt, ...)
{
	const size_t head = framing & FEED_CHUNKED ? CHUNK_HEAD : 0;
	char size[CHUNK_HEAD + 1];
	size_t end = head;
	va_list args;
	int length;

	if (framing & FEED_EVENTS) {
		memcpy(text + end, EVENT_HEAD, sizeof(EVENT_HEAD) - 1);
		end += sizeof(EVENT_HEAD) - 1;
	}
	va_start(args, fmt);
	length = vsnprintf(text + end, FEED_TEXT_MAX - end - 2 - CHUNK_TAIL, fmt, args);
	va_end(args);
	assert(length > 0 && (size_t)length < FEED_TEXT_MAX - end - 2 - CHUNK_TAIL);
	end += (size_t)length;
	text[end++] = '\n';
	if (framing & FEED_EVENTS)
		text[end++] = '\n';
	if (!(framing & FEED_CHUNKED))
		return end;
	snprintf(size, sizeof(size), "%04x\r\n", (unsigned)(end - head) & 0xffff);
	memcpy(text, size, CHUNK_HEAD);
	memcpy(text + end, "\r\n", CHUNK_TAIL);
	return end + CHUNK_TAIL;
}

size_t feed_welcome(char text[FEED_TEXT_MAX], unsigned framing, const char *id)
{
	return line(text, framing, "ctkit welcomes you! Your Id: %s", id);
}

size_t feed_chunk(char text[FEED_TEXT_MAX], unsigned framing, uint64_t number,
		  const char *id)
{
	return line(text, framing, "Chunk %llu for id %s", (unsigned long long)number,
		    id);
}

/* HTTP/1.0 and its kin end with the connection. */
const char *feed_end(unsigned framing, size_t *bytes)
{
	static const char LAST_CHUNK[] = "0\r\n\r\n";

	*bytes = framing & FEED_CHUNKED ? sizeof(LAST_CHUNK) - 1 : 0;
	return LAST_CHUNK;
}
