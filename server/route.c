// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/route.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "server/utf8.h"

static const char FEED_PREFIX[] = "/test/";

enum { PREFIX_BYTES = sizeof(FEED_PREFIX) - 1 };

/* Upper and lower case are the same (RFC 3986, 2.1). Returns -1 for what is no digit. */
static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int route_decode(const char *text, size_t length, char *out, size_t *out_bytes)
{
	size_t bytes = 0;

	for (size_t i = 0; i < length; i++) {
		int high, low;

		if (text[i] != '%') {
			out[bytes++] = text[i];
			continue;
		}
		if (length - i < 3)
			return -EINVAL;
		high = digit(text[i + 1]);
		low = digit(text[i + 2]);
		if (high < 0 || low < 0)
			return -EINVAL;
		out[bytes++] = (char)(high << 4 | low);
		i += 2;
	}
	if (!utf8_is_line(out, bytes))
		return -EINVAL;
	*out_bytes = bytes;
	return 0;
}

/* A request line holds no blanks; what else is not ASCII has to be escaped. */
static bool is_ascii(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return true;
}

static bool is(const char *text, size_t length, const char *name)
{
	return length == strlen(name) && memcmp(text, name, length) == 0;
}

/*
 * Split first, decoded then (RFC 3986, 2.4): "/test%2Fx" has one segment, which is not
 * "test". Within an ID an escaped slash is one like any other.
 */
int route_find(const char *path, size_t length, struct route *out)
{
	char decoded[FEED_ID_MAX];
	const char *slash;
	size_t first, bytes, id_bytes = 0;

	assert(length <= FEED_ID_MAX && (length == 0 || path[0] == '/'));
	out->kind = ROUTE_NONE;
	if (!is_ascii(path, length))
		return -EINVAL;
	if (length == 0)
		return 0;
	slash = memchr(path + 1, '/', length - 1);
	first = slash ? (size_t)(slash - path) : length;
	if (route_decode(path, first, decoded, &bytes) < 0)
		return -EINVAL;
	if (slash && route_decode(slash + 1, length - first - 1, out->id + PREFIX_BYTES,
				  &id_bytes) < 0)
		return -EINVAL;
	if (!slash && is(decoded, bytes, "/healthz"))
		out->kind = ROUTE_HEALTH;
	if (!is(decoded, bytes, "/test") || id_bytes == 0)
		return 0;
	out->kind = ROUTE_FEED;
	memcpy(out->id, FEED_PREFIX, PREFIX_BYTES);
	out->id_bytes = PREFIX_BYTES + id_bytes;
	out->id[out->id_bytes] = '\0';
	return 0;
}
