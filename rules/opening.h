/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_OPENING_H
#define RULES_OPENING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/play.h"

/* How conversations of a rehearsal are opened; more than PLAY_FLOWS_MAX are only counted. */

/* Which ports of the service are played: both ends of a range, and one between them. Returns how many. */
enum { OPENING_PORTS_MAX = 3 };
size_t opening_ports(const struct service *service, uint16_t ports[OPENING_PORTS_MAX]);

/* Between an address of this host and another one; link: behind which that is; SIZE_MAX: here. */
void opening_flow(struct play *play, enum play_act act, size_t link,
		  const struct craft_end *own, const struct craft_end *other,
		  uint16_t port, bool v6);

/* A program here asks another host at a port, which rules may turn to the service. */
void opening_astray(struct play *play, enum play_act act, size_t link,
		    const struct craft_end *own, const struct craft_end *other,
		    uint16_t port, bool v6);

/* A program here whom the kernel gave a port of the service asks another host; nothing if it gives none. */
void opening_given(struct play *play, enum play_act act, size_t link,
		   const struct craft_end *own, const struct craft_end *other, bool v6);

#endif
