// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/cookie.h"

#include "lib/clock.h"
#include "server/peer.h"

static const uint64_t SLOT_NS = UINT64_C(1) * COOKIE_SLOT_S * CLOCK_NS_PER_S;

/* All of it is hashed: no padding. */
struct subject {
	struct peer peer;
	uint64_t slot;
};

static uint64_t cookie_of(const struct siphash_key *key, const struct peer *peer,
			  uint64_t slot)
{
	const struct subject subject = { .peer = *peer, .slot = slot };

	_Static_assert(sizeof(subject) == sizeof(*peer) + sizeof(slot), "no padding");
	return siphash(key, &subject, sizeof(subject));
}

uint64_t cookie_make(const struct siphash_key *key, const struct peer *peer,
		     uint64_t now_ns)
{
	return cookie_of(key, peer, now_ns / SLOT_NS);
}

bool cookie_holds(const struct siphash_key *key, const struct peer *peer, uint64_t now_ns,
		  uint64_t cookie)
{
	uint64_t slot = now_ns / SLOT_NS;

	if (cookie_of(key, peer, slot) == cookie)
		return true;
	/* So one holds for COOKIE_SLOT_S at least, and less than twice that. */
	return slot > 0 && cookie_of(key, peer, slot - 1) == cookie;
}
