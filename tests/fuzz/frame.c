// SPDX-License-Identifier: GPL-2.0-or-later
/* Datagrams to a feed over UDP, and from one: none may be read out of bounds, and what is read is valid. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server/feed.h"
#include "server/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[FRAME_TEXT_MAX];
	struct frame frame, back;
	uint64_t number;
	const char *id;
	size_t bytes;

	/* What a client takes for a line of its feed has an id that is in it. */
	if (feed_read((const char *)data, size, &number, &id, &bytes) &&
	    (id < (const char *)data || id + bytes + 1 != (const char *)data + size))
		abort();
	if (frame_parse(data, size, &frame) < 0)
		return 0;
	/* What may be answered with a cookie is not shorter than one. */
	if (frame.kind <= FRAME_SUBSCRIBE &&
	    size < frame_format(&(struct frame){ .kind = FRAME_COOKIE }, text))
		abort();
	if (frame_parse(text, frame_format(&frame, text), &back) < 0 ||
	    memcmp(&frame, &back, sizeof(frame)) != 0)
		abort();
	return 0;
}
