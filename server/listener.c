// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/listener.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/args.h"

/* Quoted bad input is cut here. */
enum { QUOTE_MAX = 60, KINDS = 3 };

static const char *const KIND_NAMES[KINDS] = {
	[LISTENER_ECHO] = "echo",
	[LISTENER_DISCARD] = "discard",
	[LISTENER_FEED] = "feed",
};

static int refuse(const char *text, const char *what, struct args_why *why)
{
	snprintf(why->text, sizeof(why->text), "\"%.*s\": %s", QUOTE_MAX, text, what);
	return -EINVAL;
}

static int parse_kind(const char *text, size_t length, enum listener_kind *out)
{
	for (int kind = 0; kind < KINDS; kind++) {
		if (strlen(KIND_NAMES[kind]) != length ||
		    memcmp(KIND_NAMES[kind], text, length) != 0)
			continue;
		*out = (enum listener_kind)kind;
		return 0;
	}
	return -EINVAL;
}

int listener_parse(const char *text, struct listener *out, struct args_why *why)
{
	const char *equals = strchr(text, '=');
	struct listener listener;
	int err;

	if (!equals)
		return refuse(text, "want SERVICE=LISTENER, like echo=udp/9000", why);
	if (parse_kind(text, (size_t)(equals - text), &listener.kind) < 0)
		return refuse(text, "the service is not echo, discard or feed", why);
	if (!equals[1])
		return refuse(text, "the listener is missing, like udp/9000", why);
	err = service_parse(equals + 1, &listener.service, why);
	if (err)
		return err;
	if (listener.service.outbound)
		return refuse(text, "\"out:\" is not something to listen on", why);
	*out = listener;
	return 0;
}

void listener_format(const struct listener *listener, char text[LISTENER_TEXT_MAX])
{
	char service[SERVICE_TEXT_MAX];

	service_format(&listener->service, service);
	snprintf(text, LISTENER_TEXT_MAX, "%s=%s", KIND_NAMES[listener->kind], service);
}

/* Also of different services: one datagram cannot be echoed and discarded. */
int listener_check(const struct listener *listeners, size_t count, struct args_why *why)
{
	for (size_t i = 1; i < count; i++) {
		for (size_t j = 0; j < i; j++) {
			char first[LISTENER_TEXT_MAX], second[LISTENER_TEXT_MAX];

			if (!service_overlaps(&listeners[i].service,
					      &listeners[j].service))
				continue;
			listener_format(&listeners[j], first);
			listener_format(&listeners[i], second);
			snprintf(why->text, sizeof(why->text),
				 "%s and %s want the same port", first, second);
			return -EINVAL;
		}
	}
	return 0;
}
