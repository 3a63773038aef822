// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/meter.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/clock.h"
#include "server/peer.h"

enum { WAYS = 4, SETS = METER_SOURCES / WAYS, BURSTS_PER_S = 4 };

/*
 * A bucket as one time (the generic cell rate algorithm): when it will be full again if
 * nothing more is taken. In the past: it is full.
 */
struct bucket {
	uint64_t tag; /* hash of its source; 0: nobody's yet */
	uint64_t full_ns;
};

struct meter {
	uint64_t token_ns; /* time that brings one */
	uint64_t depth_ns; /* time that fills a bucket */
	struct siphash_key key;
	struct bucket buckets[SETS][WAYS];
};

int meter_open(struct meter **out, uint64_t rate, const struct siphash_key *key)
{
	struct meter *meter = mmap(NULL, sizeof(*meter), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t burst = rate / BURSTS_PER_S > METER_BURST_MIN ? rate / BURSTS_PER_S
							       : METER_BURST_MIN;

	if (meter == MAP_FAILED)
		return -errno;
	meter->token_ns = rate < CLOCK_NS_PER_S ? CLOCK_NS_PER_S / rate : 1;
	meter->depth_ns = burst * meter->token_ns;
	meter->key = *key;
	*out = meter;
	return 0;
}

void meter_close(struct meter *meter)
{
	if (meter)
		munmap(meter, sizeof(*meter));
}

static uint64_t get(const uint64_t *value)
{
	return __atomic_load_n(value, __ATOMIC_RELAXED);
}

static void put(uint64_t *value, uint64_t to)
{
	__atomic_store_n(value, to, __ATOMIC_RELAXED);
}

/*
 * The bucket of a source, or else the fullest of the set, for it to take over. Processes do
 * not wait for each other here: two that meet in one bucket may let one more through.
 */
static struct bucket *find(struct bucket set[WAYS], uint64_t tag)
{
	struct bucket *fullest = &set[0];

	for (int i = 0; i < WAYS; i++) {
		if (get(&set[i].tag) == tag)
			return &set[i];
		if (get(&set[i].full_ns) < get(&fullest->full_ns))
			fullest = &set[i];
	}
	put(&fullest->tag, tag);
	put(&fullest->full_ns, 0);
	return fullest;
}

bool meter_take(struct meter *meter, const struct peer *peer, uint64_t now_ns,
		unsigned count)
{
	struct peer source = *peer;
	struct bucket *bucket;
	uint64_t full_ns, cost_ns = count * meter->token_ns;
	uint64_t hash;

	peer_to_source(&source);
	hash = siphash(&meter->key, &source, sizeof(source));
	bucket = find(meter->buckets[hash % SETS], hash | 1);
	full_ns = get(&bucket->full_ns);
	if (full_ns < now_ns)
		full_ns = now_ns;
	if (cost_ns > meter->depth_ns)
		cost_ns = meter->depth_ns;
	if (full_ns + cost_ns > now_ns + meter->depth_ns)
		return false;
	put(&bucket->full_ns, full_ns + cost_ns);
	return true;
}
