// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/comment.h"

/* As libnftnl writes it (udata.c): type and length, a byte each, then the value */
const char *comment_find(const uint8_t *data, size_t bytes, uint8_t type, size_t *length)
{
	while (bytes >= 2 && data[1] <= bytes - 2) {
		*length = data[1];
		if (data[0] == type)
			return (const char *)data + 2;
		data += 2 + *length;
		bytes -= 2 + *length;
	}
	return NULL;
}
