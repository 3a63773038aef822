/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_STAGE_H
#define RULES_STAGE_H

#include <stdbool.h>
#include <stddef.h>

struct detours;
struct ranges;
struct scratch;
struct service;
struct text;

/*
 * Plays a service and those who talk to it in a scratch namespace: real sockets on this host, crafted packets
 * through its interfaces. Opaque.
 */
struct play;

/*
 * Opens the service's sockets in the namespace of the calling thread. ports are those that the kernel gives to clients
 * here, which must outlive the play. Returns 0 or -errno.
 */
int stage_open(const struct scratch *scratch, const struct service *service,
	       const struct ranges *ports, const struct detours *detours,
	       struct play **out);
void stage_close(struct play *play);

/*
 * Conversations from and to hosts at every interface, and on loopback: opens those of act 1; goes on with
 * all that were opened before, opens new ones and sends errors about what the service said (act 2).
 */
void stage_act(struct play *play, int act);

/* Adds what was seen by now, a line each, in no order, some several times. */
void stage_facts(const struct play *play, struct text *out);

/* How many conversations were opened, and how many were not for want of room. */
size_t stage_flows(const struct play *play);
size_t stage_left_out(const struct play *play);

/* Whether the service, or of an outbound one its clients, got anything at all. */
bool stage_heard(const struct play *play);

#endif
