/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_ACTOR_H
#define RULES_ACTOR_H

#include <stdbool.h>
#include <sys/socket.h>

#include "rules/play.h"

/* The sockets of a rehearsal: the service's, and those of clients on this host. */

/* The address of an end; returns its size. */
socklen_t actor_address(const struct craft_end *end, bool v6,
			struct sockaddr_storage *out);

/* A socket of the service's protocol, bound to an end; -1 if that cannot be. */
int actor_open(const struct play *play, const struct craft_end *end, bool v6);

/* Takes fd over; false if it is -1, or there are too many. flow: of PLAY_ASKS. */
bool actor_add(struct play *play, int fd, enum play_role role, struct play_flow *flow);

/* Notes that something of the flow went wrong: how, with errno err. */
void actor_fail(struct play *play, const struct play_flow *flow, const char *how,
		int err);

/* Sends the flow's name from its socket. */
void actor_ask(struct play *play, struct play_flow *flow);

/* Does what poll() says can be done with a socket. */
void actor_handle(struct play *play, struct play_socket *socket, short events);

#endif
