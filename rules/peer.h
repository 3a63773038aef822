/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_PEER_H
#define RULES_PEER_H

#include <stddef.h>
#include <stdint.h>

#include "rules/play.h"

/* The other hosts of a rehearsal: frames into and out of the scratch namespace's interfaces. */

void peer_send(struct play *play, size_t link, const struct craft *packet);
void peer_send_frame(struct play *play, size_t link, const uint8_t *frame, size_t bytes);

/* Notes what has left by a link, and answers it. */
void peer_read(struct play *play, size_t link);

#endif
