/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_LISTENER_H
#define SERVER_LISTENER_H

#include <stddef.h>
#include <stdint.h>

#include "lib/service.h"

struct args_why;

/* What is done with what arrives. */
enum listener_kind {
	LISTENER_ECHO,
	LISTENER_DISCARD,
	LISTENER_FEED,
};

/* "discard=" and a service. */
enum { LISTENER_TEXT_MAX = SERVICE_TEXT_MAX + 8 };

/* What is served where: "echo=udp/9000". A plain value. */
struct listener {
	enum listener_kind kind;
	struct service service;
};

/*
 * Parses "SERVICE=LISTENER". Returns 0, or -EINVAL with one sentence in *why that
 * quotes the text and says what is wrong.
 */
int listener_parse(const char *text, struct listener *out, struct args_why *why);

/* The canonical text, which listener_parse() reads back. */
void listener_format(const struct listener *listener, char text[LISTENER_TEXT_MAX]);

/* Returns 0, or -EINVAL and one sentence when two of count listeners want the same port. */
int listener_check(const struct listener *listeners, size_t count, struct args_why *why);

#endif
