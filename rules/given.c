// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/given.h"

#include <stdio.h>
#include <string.h>

#include "rules/answers.h"
#include "rules/arena.h"
#include "rules/command.h"
#include "rules/finding.h"
#include "rules/surroundings.h"

static uint64_t count_of(const struct ranges *ports)
{
	uint64_t count = 0;

	for (size_t i = 0; i < ports->count; i++)
		count += ports->at[i].last.low - ports->at[i].first.low + 1;
	return count;
}

/*
 * The ports to be reserved: those that are, and the service's. False if that would leave less than half of those
 * that programs are given now, or memory ran out.
 */
static bool reserve(const struct service *service, const struct surroundings *host,
		    struct arena *arena, struct ranges *out)
{
	const struct ranges now = surroundings_ports(host);
	size_t count = host->reserved.count;
	struct range *at = arena_take(arena, (count + 1) * sizeof(*at));
	struct ranges rest;

	if (!at)
		return false;
	/* memcpy() from NULL is undefined, even of nothing. */
	if (count)
		memcpy(at, host->reserved.at, count * sizeof(*at));
	at[count] = (struct range){ wide_of(service->first_port),
				    wide_of(service->last_port) };
	*out = ranges_normalise(at, count + 1);
	return ranges_subtract(arena, &now, out, &rest) == 0 &&
	       count_of(&rest) >= count_of(&now) / 2;
}

static void put_fix(const struct service *service, const struct surroundings *host,
		    char *text)
{
	char name[SERVICE_TEXT_MAX];
	struct arena arena = { 0 };
	struct ranges ports;

	service_format(service, name);
	if (reserve(service, host, &arena, &ports)) {
		command_append(text, "sysctl -w net.ipv4.ip_local_reserved_ports=");
		answers_put_list(&ports, text);
	}
	/* Half of a list is none. */
	if (!text[0] || strlen(text) + 1 == FINDING_TEXT_MAX)
		snprintf(text, FINDING_TEXT_MAX,
			 "keep %s tracked, or name no ports of "
			 "net.ipv4.ip_local_port_range",
			 name);
	arena_free(&arena);
}

void given_explain(const struct service *service, const struct surroundings *host,
		   struct finding *finding)
{
	char why[FINDING_TEXT_MAX];

	snprintf(why, sizeof(why), "%s", finding->why);
	finding->why[0] = finding->fix[0] = '\0';
	command_append(finding->why,
		       "the kernel gives ports of this range to programs here that ask "
		       "others, and of what they ask: %s",
		       why);
	put_fix(service, host, finding->fix);
}
