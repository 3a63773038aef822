// SPDX-License-Identifier: GPL-2.0-or-later
/* A datagram to the message router, and the lines that feeds make of it. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "server/feed.h"
#include "server/message.h"
#include "server/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct message message;
	char line[FEED_TEXT_MAX];
	const char *text;
	size_t bytes;

	if (size > MESSAGE_DATAGRAM_MAX ||
	    message_parse((const char *)data, size, &message) < 0)
		return 0;
	assert(message.id_bytes <= MESSAGE_ID_MAX);
	assert(message.text_bytes > 0 && message.text_bytes <= MESSAGE_TEXT_MAX);
	assert(message.all == (message.id_bytes == 0));
	assert(message_bytes(&message) <= sizeof(message));
	assert(utf8_is_line(message.data, message.id_bytes));
	text = message.data + message.id_bytes;
	bytes = feed_message(line, FEED_PLAIN, text, message.text_bytes);
	assert(bytes == message.text_bytes + 1U);
	assert(memcmp(line, text, message.text_bytes) == 0 && line[bytes - 1] == '\n');
	feed_message(line, FEED_CHUNKED | FEED_EVENTS, text, message.text_bytes);
	return 0;
}
