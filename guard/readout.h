/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_READOUT_H
#define GUARD_READOUT_H

#include <jansson.h>
#include <stdbool.h>

struct text;

/* The answer to "status" for people, from that object, which may be anything: it came from a socket. */
void readout_text(const json_t *object, struct text *text);

/* Whether it says that the guard cannot help. */
bool readout_is_helpless(const json_t *object);

#endif
