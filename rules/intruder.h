/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_INTRUDER_H
#define RULES_INTRUDER_H

#include <stdbool.h>
#include <stddef.h>

#include "rules/play.h"

/*
 * Packets of a rehearsal that come from a remote service's port though this host has not asked, to doors: ports where
 * services often are. None looks like an answer. What gets in is a fact; what is done with the others is none.
 */

/* Opens the doors of this host, if the service is a remote one. */
void intruder_listen(struct play *play);

/* Sends one to each door of own from the service at other, behind a link. */
void intruder_knock(struct play *play, size_t link, const struct craft_end *own,
		    const struct craft_end *other, bool v6);

/* Whether the packet, which leaves this host, comes from a door; notes it if it shows that one got in. */
bool intruder_hears(struct play *play, const struct craft *heard);

#endif
