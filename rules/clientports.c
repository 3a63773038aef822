// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/clientports.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "rules/arena.h"
#include "rules/ranges.h"

/* More of them are not looked at: who reserves so many has few left anyway. */
enum { RESERVED_MAX = 512 };

static const struct range DEFAULT = { { 0, 32768 }, { 0, 60999 } };

struct ranges clientports_default(void)
{
	return (struct ranges){ &DEFAULT, 1 };
}

/* A port, up to where *text then is. */
static bool take_port(const char **text, uint64_t *out)
{
	char *rest;
	unsigned long port;

	if (**text < '0' || **text > '9')
		return false;
	port = strtoul(*text, &rest, 10);
	if (port > UINT16_MAX)
		return false;
	*text = rest;
	*out = port;
	return true;
}

/* "32768\t60999" */
static bool parse_range(const char *text, struct range *out)
{
	uint64_t first, last;

	if (!take_port(&text, &first))
		return false;
	while (*text == ' ' || *text == '\t')
		text++;
	if (!take_port(&text, &last) || first == 0 || first > last)
		return false;
	*out = (struct range){ wide_of(first), wide_of(last) };
	return true;
}

/* "8080,9148-9150" */
static struct ranges parse_list(const char *text, struct range at[RESERVED_MAX])
{
	uint64_t first, last;
	size_t count = 0;

	while (count < RESERVED_MAX && take_port(&text, &first)) {
		last = first;
		if (*text == '-') {
			text++;
			if (!take_port(&text, &last) || last < first)
				break;
		}
		at[count++] = (struct range){ wide_of(first), wide_of(last) };
		if (*text != ',')
			break;
		text++;
	}
	return ranges_normalise(at, count);
}

int clientports_parse(const char *range, const char *reserved, struct arena *arena,
		      struct ranges *out)
{
	struct range *whole = arena_take(arena, sizeof(*whole));
	struct range *list = arena_take(arena, RESERVED_MAX * sizeof(*list));
	struct ranges all = { whole, 1 }, rest, taken;

	if (!whole || !list)
		return -ENOMEM;
	if (!parse_range(range, whole)) {
		*out = clientports_default();
		return 0;
	}
	taken = parse_list(reserved, list);
	if (ranges_subtract(arena, &all, &taken, &rest))
		return -ENOMEM;
	*out = rest.count ? rest : all;
	return 0;
}
