// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/message.h"

#include <errno.h>
#include <string.h>

#include "server/route.h"
#include "server/utf8.h"

int message_parse(const char *datagram, size_t bytes, struct message *out)
{
	const char *blank = memchr(datagram, ' ', bytes);
	size_t id_bytes, text_bytes;
	const char *text;

	if (!blank || blank == datagram)
		return -EINVAL;
	if (datagram[bytes - 1] == '\n')
		bytes--;
	text = blank + 1;
	text_bytes = bytes - (size_t)(text - datagram);
	if (text_bytes == 0 || text_bytes > MESSAGE_TEXT_MAX ||
	    !utf8_is_line(text, text_bytes))
		return -EINVAL;
	id_bytes = (size_t)(blank - datagram);
	out->all = id_bytes == 1 && datagram[0] == '*';
	if (out->all)
		id_bytes = 0;
	if (id_bytes > MESSAGE_ID_MAX ||
	    route_decode(datagram, id_bytes, out->data, &id_bytes) < 0)
		return -EINVAL;
	memcpy(out->data + id_bytes, text, text_bytes);
	out->id_bytes = (uint16_t)id_bytes;
	out->text_bytes = (uint16_t)text_bytes;
	return 0;
}

size_t message_bytes(const struct message *message)
{
	return offsetof(struct message, data) + message->id_bytes + message->text_bytes;
}
