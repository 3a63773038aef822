// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/clientports.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include <netinet/in.h>

#include "lib/service.h"
#include "rules/arena.h"

/* More of them are not looked at: who reserves so many has few left anyway. */
enum { RESERVED_MAX = 512 };

/* net/ipv4/af_inet.c, inet_init_net() */
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
		      struct ranges *ports, struct ranges *kept)
{
	struct range *whole = arena_take(arena, sizeof(*whole));
	struct range *list = arena_take(arena, RESERVED_MAX * sizeof(*list));
	struct ranges all = { whole, 1 }, rest;

	if (!whole || !list)
		return -ENOMEM;
	*kept = parse_list(reserved, list);
	if (!parse_range(range, whole))
		all = clientports_default();
	if (ranges_subtract(arena, &all, kept, &rest))
		return -ENOMEM;
	/* None at all would stand for the default (surroundings_ports()). */
	*ports = rest.count ? rest : all;
	return 0;
}

uint16_t clientports_at(const struct ranges *ports, size_t number)
{
	uint64_t count = 0;

	for (size_t i = 0; i < ports->count; i++)
		count += ports->at[i].last.low - ports->at[i].first.low + 1;
	number %= count ? count : 1;
	for (size_t i = 0; i < ports->count; i++) {
		uint64_t here = ports->at[i].last.low - ports->at[i].first.low + 1;

		if (number < here)
			return (uint16_t)(ports->at[i].first.low + number);
		number -= here;
	}
	return 0;
}

int clientports_of(const struct service *service, const struct ranges *ports,
		   struct arena *arena, struct ranges *out)
{
	const struct range own = { wide_of(service->first_port),
				   wide_of(service->last_port) };

	if (service->outbound || service->first_port == service->last_port) {
		*out = (struct ranges){ 0 };
		return 0;
	}
	return ranges_intersect(arena, ports, &(struct ranges){ &own, 1 }, out);
}

bool clientports_common(const struct service *service)
{
	/* A client without privilege has none below 1024. */
	return service->first_port != service->last_port &&
	       service->last_port >= IPPORT_RESERVED;
}
