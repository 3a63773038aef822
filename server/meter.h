/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_METER_H
#define SERVER_METER_H

#include <stdbool.h>
#include <stdint.h>

#include "server/siphash.h"

struct peer;

/*
 * Who sends how much: a token bucket for each source, an IPv4 address or an IPv6 /64, in a
 * table whose size never changes. A source that is new takes the place of the one of its few
 * neighbours that was silent for longest, so more sources than the table holds are let
 * through rather than punished for each other. Pure but for its memory, which processes that
 * are forked later share: a source has one bucket however many of them it talks to.
 */
struct meter;

/* How many sources it tells apart: 512 KiB. */
enum { METER_SOURCES = 32768 };

/*
 * Opens one that lets rate a second through, and as many at once as that is in a
 * quarter of a second, but at least METER_BURST_MIN. rate > 0. Returns 0 or -errno.
 */
enum { METER_BURST_MIN = 8 };
int meter_open(struct meter **out, uint64_t rate, const struct siphash_key *key);

/* Closes it in this process; NULL is allowed. */
void meter_close(struct meter *meter);

/*
 * Takes count tokens of the source that peer belongs to, at now_ns. Returns whether they
 * were there; if not, none is taken. A count larger than the bucket waits for a full one.
 */
bool meter_take(struct meter *meter, const struct peer *peer, uint64_t now_ns,
		unsigned count);

#endif
