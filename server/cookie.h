/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_COOKIE_H
#define SERVER_COOKIE_H

#include <stdbool.h>
#include <stdint.h>

#include "server/siphash.h"

struct peer;

/*
 * What only one who receives at an address can know: a keyed hash of the address, the port
 * and the time. Nothing is kept for it: whoever has the key can check it. Pure.
 */

/* A cookie holds for this long at least, and for twice as long at most. */
enum { COOKIE_SLOT_S = 60 };

/* The cookie of peer at now_ns (CLOCK_MONOTONIC). */
uint64_t cookie_make(const struct siphash_key *key, const struct peer *peer,
		     uint64_t now_ns);

/* Whether peer was given this cookie, not too long before now_ns. */
bool cookie_holds(const struct siphash_key *key, const struct peer *peer, uint64_t now_ns,
		  uint64_t cookie);

#endif
