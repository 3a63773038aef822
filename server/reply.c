// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/reply.h"

#include <errno.h>
#include <string.h>

enum { STATUS_OK = 200 };

static const char MARK[] = "Chunk";

/* matched: this line starts otherwise, or was counted; the next newline ends it. */
enum { MARK_LENGTH = sizeof(MARK) - 1, LINE_DECIDED = UINT8_MAX };

static int on_headers_complete(llhttp_t *parser)
{
	struct reply *reply = (struct reply *)parser;

	if (parser->status_code != STATUS_OK)
		return -1;
	reply->open = true;
	return 0;
}

static int on_body(llhttp_t *parser, const char *bytes, size_t length)
{
	struct reply *reply = (struct reply *)parser;
	const char *end = bytes + length;

	while (bytes < end) {
		if (reply->matched == LINE_DECIDED) {
			const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));

			if (!newline)
				return 0;
			bytes = newline + 1;
			reply->matched = 0;
		} else if (*bytes == MARK[reply->matched]) {
			bytes++;
			if (++reply->matched == MARK_LENGTH) {
				reply->matched = LINE_DECIDED;
				reply->chunks++;
			}
		} else {
			/* The byte itself may be the newline: look at it again. */
			reply->matched = LINE_DECIDED;
		}
	}
	return 0;
}

static int on_message_complete(llhttp_t *parser)
{
	struct reply *reply = (struct reply *)parser;

	reply->ended = true;
	/* What follows would be another response, which nobody asked for. */
	return HPE_PAUSED;
}

static const llhttp_settings_t SETTINGS = {
	.on_headers_complete = on_headers_complete,
	.on_body = on_body,
	.on_message_complete = on_message_complete,
};

void reply_start(struct reply *reply)
{
	memset(reply, 0, sizeof(*reply));
	llhttp_init(&reply->parser, HTTP_RESPONSE, &SETTINGS);
}

int reply_read(struct reply *reply, const void *bytes, size_t length, uint32_t *chunks)
{
	llhttp_errno_t err;

	reply->chunks = 0;
	err = llhttp_execute(&reply->parser, bytes, length);
	if (err != HPE_OK && !reply->ended)
		return err == HPE_CB_HEADERS_COMPLETE ? -EBADMSG : -EPROTO;
	if (!reply->open) {
		if (length > (size_t)(REPLY_HEAD_MAX - reply->head_bytes))
			return -EMSGSIZE;
		reply->head_bytes = (uint16_t)(reply->head_bytes + length);
	}
	*chunks = reply->chunks;
	return 0;
}
