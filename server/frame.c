// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/frame.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { COOKIE_DIGITS = 16, LEASE_DIGITS = 3, FIRST_VISIBLE = '!', LAST_VISIBLE = '~' };

static const char ID_PREFIX[] = "/test/";

/* What is left to read. */
struct cursor {
	const char *at;
	const char *end;
};

static bool take_text(struct cursor *cursor, const char *text)
{
	size_t length = strlen(text);

	if ((size_t)(cursor->end - cursor->at) < length ||
	    memcmp(cursor->at, text, length) != 0)
		return false;
	cursor->at += length;
	return true;
}

/* Lower case only: there is one way to write a cookie. */
static bool take_cookie(struct cursor *cursor, uint64_t *out)
{
	uint64_t value = 0;

	if (cursor->end - cursor->at < COOKIE_DIGITS)
		return false;
	for (int i = 0; i < COOKIE_DIGITS; i++) {
		char c = *cursor->at++;

		if (c >= '0' && c <= '9')
			value = value << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (uint64_t)(c - 'a' + 10);
		else
			return false;
	}
	*out = value;
	return true;
}

static bool take_lease(struct cursor *cursor, unsigned *out)
{
	unsigned value = 0;

	for (int i = 0; i < LEASE_DIGITS; i++) {
		if (cursor->at == cursor->end || *cursor->at < '0' || *cursor->at > '9')
			break;
		value = value * 10 + (unsigned)(*cursor->at++ - '0');
	}
	*out = value;
	return value >= 1 && value <= FRAME_LEASE_MAX_S;
}

/* The rest, but for a newline at its end. */
static bool take_id(struct cursor *cursor, char id[FRAME_ID_MAX + 1])
{
	size_t length;

	if (cursor->end > cursor->at && cursor->end[-1] == '\n')
		cursor->end--;
	length = (size_t)(cursor->end - cursor->at);
	if (length < sizeof(ID_PREFIX) || length > FRAME_ID_MAX ||
	    memcmp(cursor->at, ID_PREFIX, sizeof(ID_PREFIX) - 1) != 0)
		return false;
	for (size_t i = 0; i < length; i++)
		if (cursor->at[i] < FIRST_VISIBLE || cursor->at[i] > LAST_VISIBLE)
			return false;
	memcpy(id, cursor->at, length);
	id[length] = '\0';
	cursor->at = cursor->end;
	return true;
}

static bool take_end(struct cursor *cursor)
{
	if (cursor->at < cursor->end && *cursor->at == '\n')
		cursor->at++;
	return cursor->at == cursor->end;
}

static bool take_subscribe(struct cursor *cursor, struct frame *frame)
{
	frame->kind = FRAME_SUBSCRIBE;
	return take_cookie(cursor, &frame->cookie) && take_text(cursor, " ") &&
	       take_lease(cursor, &frame->lease_s) && take_text(cursor, " ") &&
	       take_id(cursor, frame->id);
}

/* A shorter one would be answered with more than it brought. */
static bool take_hello(struct cursor *cursor, size_t length, struct frame *frame)
{
	frame->kind = FRAME_HELLO;
	while (cursor->at < cursor->end && *cursor->at == ' ')
		cursor->at++;
	return length >= FRAME_HELLO_BYTES && take_end(cursor);
}

static bool take_frame(struct cursor *cursor, size_t length, struct frame *frame)
{
	if (!take_text(cursor, "ctkit "))
		return false;
	if (take_text(cursor, "hello"))
		return take_hello(cursor, length, frame);
	if (take_text(cursor, "subscribe "))
		return take_subscribe(cursor, frame);
	if (take_text(cursor, "cancel "))
		frame->kind = FRAME_CANCEL;
	else if (take_text(cursor, "cookie "))
		frame->kind = FRAME_COOKIE;
	else if (take_text(cursor, "refused"))
		frame->kind = FRAME_REFUSED;
	else if (take_text(cursor, "end"))
		frame->kind = FRAME_END;
	else
		return false;
	if (frame->kind == FRAME_CANCEL || frame->kind == FRAME_COOKIE)
		return take_cookie(cursor, &frame->cookie) && take_end(cursor);
	return take_end(cursor);
}

int frame_parse(const void *bytes, size_t length, struct frame *out)
{
	struct cursor cursor = { .at = bytes, .end = (const char *)bytes + length };
	struct frame frame = { 0 };

	if (length == 0 || !take_frame(&cursor, length, &frame))
		return -EBADMSG;
	*out = frame;
	return 0;
}

static int print(const struct frame *frame, char text[FRAME_TEXT_MAX])
{
	switch (frame->kind) {
	case FRAME_HELLO:
		return snprintf(text, FRAME_TEXT_MAX, "%-*s\n", FRAME_HELLO_BYTES - 1,
				"ctkit hello");
	case FRAME_SUBSCRIBE:
		return snprintf(text, FRAME_TEXT_MAX,
				"ctkit subscribe %016" PRIx64 " %u %s\n", frame->cookie,
				frame->lease_s, frame->id);
	case FRAME_CANCEL:
		return snprintf(text, FRAME_TEXT_MAX, "ctkit cancel %016" PRIx64 "\n",
				frame->cookie);
	case FRAME_COOKIE:
		return snprintf(text, FRAME_TEXT_MAX, "ctkit cookie %016" PRIx64 "\n",
				frame->cookie);
	case FRAME_REFUSED: return snprintf(text, FRAME_TEXT_MAX, "ctkit refused\n");
	default: return snprintf(text, FRAME_TEXT_MAX, "ctkit end\n");
	}
}

size_t frame_format(const struct frame *frame, char text[FRAME_TEXT_MAX])
{
	return (size_t)print(frame, text);
}
