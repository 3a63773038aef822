// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/feed.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { WORDS_MAX = 64 };

/* "HHHH\r\n": the size of a chunk may have leading zeros (RFC 9112, 7.1), so it is written last. */
enum { CHUNK_HEAD = 6, CHUNK_TAIL = 2 };

enum { EVENT_HEAD_MAX = 40 };

enum { NUMBER_DIGITS_MAX = 19 }; /* so that none overflows */

static const char WELCOME[] = "ctkit welcomes you! Your Id: ";
static const char CHUNK[] = "Chunk ", FOR_ID[] = " for id ";

/*
 * The text of a line up to the id, with room for the size of its chunk. event: the fields before
 * its data. Returns its bytes.
 */
static size_t begin(char text[FEED_TEXT_MAX], unsigned framing, const char *event,
		    const char *words)
{
	size_t end = framing & FEED_CHUNKED ? CHUNK_HEAD : 0;
	size_t bytes = strlen(words);

	if (framing & FEED_EVENTS) {
		size_t head = strlen(event);

		memcpy(text + end, event, head);
		end += head;
	}
	memcpy(text + end, words, bytes);
	return end + bytes;
}

static void write_size(char text[CHUNK_HEAD], size_t size)
{
	static const char DIGITS[] = "0123456789abcdef";

	/* Enough for FEED_TEXT_MAX. */
	for (int i = 0; i < 4; i++)
		text[i] = DIGITS[size >> (12 - 4 * i) & 0xf];
	memcpy(text + 4, "\r\n", 2);
}

/* Adds the id, or a message, at end and what comes after it. Returns the bytes of the line. */
static size_t finish(char text[FEED_TEXT_MAX], unsigned framing, size_t end,
		     const char *rest, size_t length)
{
	assert(length <= FEED_ID_MAX);
	memcpy(text + end, rest, length);
	end += length;
	text[end++] = '\n';
	if (framing & FEED_EVENTS)
		text[end++] = '\n';
	if (!(framing & FEED_CHUNKED))
		return end;
	write_size(text, end - CHUNK_HEAD);
	memcpy(text + end, "\r\n", CHUNK_TAIL);
	return end + CHUNK_TAIL;
}

size_t feed_welcome(char text[FEED_TEXT_MAX], unsigned framing, const char *id)
{
	size_t end = begin(text, framing, "retry: 2000\ndata: ", WELCOME);

	return finish(text, framing, end, id, strlen(id));
}

size_t feed_chunk(struct feed_line *line, unsigned framing, uint64_t number,
		  const char *id)
{
	char event[EVENT_HEAD_MAX], words[WORDS_MAX];

	/* Feeds of one turn of the wheel were mostly opened together, so they count alike. */
	if (line->number != number || line->framing != framing) {
		snprintf(event, sizeof(event),
			 "id: %llu\ndata: ", (unsigned long long)number);
		snprintf(words, sizeof(words), "Chunk %llu for id ",
			 (unsigned long long)number);
		line->prefix_bytes = begin(line->text, framing, event, words);
		line->number = number;
		line->framing = framing;
	}
	return finish(line->text, framing, line->prefix_bytes, id, strlen(id));
}

size_t feed_message(char text[FEED_TEXT_MAX], unsigned framing, const char *message,
		    size_t bytes)
{
	return finish(text, framing, begin(text, framing, "data: ", ""), message, bytes);
}

/* Moves *text behind the words if it begins with them. */
static bool skip(const char **text, const char *end, const char *words)
{
	size_t length = strlen(words);

	if ((size_t)(end - *text) < length || memcmp(*text, words, length) != 0)
		return false;
	*text += length;
	return true;
}

static bool skip_number(const char **text, const char *end, uint64_t *number)
{
	const char *at = *text;

	*number = 0;
	while (at < end && at - *text < NUMBER_DIGITS_MAX && *at >= '0' && *at <= '9')
		*number = *number * 10 + (uint64_t)(*at++ - '0');
	if (at == *text || **text == '0')
		return false;
	*text = at;
	return true;
}

enum feed_said feed_read(const char *text, size_t bytes, uint64_t *number,
			 const char **id, size_t *id_bytes)
{
	const char *end = text + bytes;
	enum feed_said said = FEED_SAID_NOTHING;

	if (bytes == 0 || *--end != '\n')
		return FEED_SAID_NOTHING;
	if (skip(&text, end, WELCOME))
		said = FEED_SAID_WELCOME;
	else if (skip(&text, end, CHUNK) && skip_number(&text, end, number) &&
		 skip(&text, end, FOR_ID))
		said = FEED_SAID_CHUNK;
	*id = text;
	*id_bytes = (size_t)(end - text);
	return said;
}

/* HTTP/1.0 and its kin end with the connection. */
const char *feed_end(unsigned framing, size_t *bytes)
{
	static const char LAST_CHUNK[] = "0\r\n\r\n";

	*bytes = framing & FEED_CHUNKED ? sizeof(LAST_CHUNK) - 1 : 0;
	return LAST_CHUNK;
}
