// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/quota.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "server/siphash.h"

/*
 * A source has two buckets, of a cache line each. A cell is one word, the source's tag
 * above its count, so that every change is one compare-and-swap: there is no moment at
 * which a process could die and leave a cell half changed. The same tag may come to stand
 * in two cells when workers race; then its count is the sum.
 */
enum {
	BUCKET_CELLS = 8,
	BUCKETS_OF_ONE = 2,
	COUNT_BITS = 24,
	CELLS_PER_PLACE = 2, /* so that buckets seldom fill up */
	PLACES_MAX = 1 << 20,
	CELLS_MAX = 1 << 23,
};

static const uint64_t COUNT_MASK = (UINT64_C(1) << COUNT_BITS) - 1;

struct quota {
	uint32_t limit;
	unsigned workers;
	struct siphash_key key;
	size_t buckets; /* a power of two */
	uint64_t *cells;
	size_t places;  /* of each worker that are kept in held */
	uint64_t *held; /* hash of the source at each place; 0: not counted */
};

static size_t cells_bytes(const struct quota *quota)
{
	return quota->buckets * BUCKET_CELLS * sizeof(*quota->cells);
}

static size_t held_bytes(const struct quota *quota)
{
	return quota->workers * quota->places * sizeof(*quota->held);
}

/* Taken from the kernel only where it is touched. */
static uint64_t *map_words(size_t bytes)
{
	void *words = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return words == MAP_FAILED ? NULL : words;
}

static size_t buckets_for(uint64_t connections)
{
	uint64_t wanted = connections * CELLS_PER_PLACE;
	size_t cells = BUCKET_CELLS * BUCKETS_OF_ONE;

	while (cells < wanted && cells < CELLS_MAX)
		cells *= 2;
	return cells / BUCKET_CELLS;
}

int quota_open(struct quota **out, const struct quota_plan *plan)
{
	struct quota *quota = calloc(1, sizeof(*quota));
	int err;

	if (!quota)
		return -ENOMEM;
	assert(plan->limit > 0 && plan->limit <= QUOTA_LIMIT_MAX);
	quota->limit = plan->limit;
	quota->workers = plan->workers;
	quota->places = plan->places < PLACES_MAX ? plan->places : PLACES_MAX;
	quota->buckets = buckets_for(quota->workers * quota->places);
	err = siphash_key_make(&quota->key);
	if (err == 0)
		quota->cells = map_words(cells_bytes(quota));
	if (quota->cells)
		quota->held = map_words(held_bytes(quota));
	if (!quota->held) {
		quota_close(quota);
		return err ? err : -ENOMEM;
	}
	*out = quota;
	return 0;
}

void quota_close(struct quota *quota)
{
	if (!quota)
		return;
	if (quota->cells)
		munmap(quota->cells, cells_bytes(quota));
	if (quota->held)
		munmap(quota->held, held_bytes(quota));
	free(quota);
}

/* An IPv4 address, also one that comes mapped through a socket of both families, or a /64. */
static uint64_t hash_of(const struct quota *quota, const struct sockaddr *peer)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)peer;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)peer;
	const uint8_t *bytes = (const uint8_t *)&v4->sin_addr;
	size_t length = 4;
	uint64_t hash;

	if (peer->sa_family == AF_INET6) {
		bytes = v6->sin6_addr.s6_addr;
		length = 8;
		if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
			bytes += 12;
			length = 4;
		}
	}
	hash = siphash(&quota->key, bytes, length);
	return hash ? hash : 1;
}

/* The tag is the upper part of the hash, its buckets come from the lower. */
static uint64_t tag_of(uint64_t hash)
{
	uint64_t tag = hash >> COUNT_BITS;

	return (tag ? tag : 1) << COUNT_BITS;
}

static uint64_t *bucket_of(const struct quota *quota, uint64_t hash, int which)
{
	size_t mask = quota->buckets - 1;
	size_t first = hash & mask;
	/* Never the same one, as there are at least two. */
	size_t other = (first ^ ((hash >> 40) | 1)) & mask;

	return quota->cells + (which ? other : first) * BUCKET_CELLS;
}

static uint64_t load(const uint64_t *cell)
{
	return __atomic_load_n(cell, __ATOMIC_RELAXED);
}

static bool swap(uint64_t *cell, uint64_t from, uint64_t to)
{
	return __atomic_compare_exchange_n(cell, &from, to, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_RELAXED);
}

/* Cell number i of the source's. */
static uint64_t *cell_of(const struct quota *quota, uint64_t hash, int i)
{
	return bucket_of(quota, hash, i / BUCKET_CELLS) + i % BUCKET_CELLS;
}

enum { CELLS_OF_ONE = BUCKET_CELLS * BUCKETS_OF_ONE };

static uint64_t count_of(const struct quota *quota, uint64_t hash)
{
	uint64_t tag = tag_of(hash), sum = 0;

	for (int i = 0; i < CELLS_OF_ONE; i++) {
		uint64_t word = load(cell_of(quota, hash, i));

		if ((word & ~COUNT_MASK) == tag)
			sum += word & COUNT_MASK;
	}
	return sum;
}

/* Adds one to a cell of the source's if it has one, else to one that is free. */
static bool add(struct quota *quota, uint64_t hash, bool only_own)
{
	uint64_t tag = tag_of(hash);

	for (int i = 0; i < CELLS_OF_ONE; i++) {
		uint64_t *cell = cell_of(quota, hash, i);
		uint64_t word = load(cell);

		/* Another process may change it meanwhile: look again at what it is now. */
		while (only_own ? (word & ~COUNT_MASK) == tag : word == 0) {
			if (swap(cell, word, (word ? word : tag) + 1))
				return true;
			word = load(cell);
		}
	}
	return false;
}

/* Takes one from any cell of the source's; one that comes to nothing is free. */
static void take_off(struct quota *quota, uint64_t hash)
{
	uint64_t tag = tag_of(hash);

	for (int i = 0; i < CELLS_OF_ONE; i++) {
		uint64_t *cell = cell_of(quota, hash, i);
		uint64_t word = load(cell);

		while ((word & ~COUNT_MASK) == tag) {
			if (swap(cell, word, (word & COUNT_MASK) > 1 ? word - 1 : 0))
				return;
			word = load(cell);
		}
	}
}

static uint64_t *held_by(struct quota *quota, unsigned worker, int place)
{
	if (place < 0 || (size_t)place >= quota->places)
		return NULL;
	return &quota->held[worker * quota->places + (size_t)place];
}

/*
 * Noted before it is counted: a worker that is killed in between gives back one too many,
 * which admits a connection, instead of one too few, which would refuse one for ever.
 */
enum quota_verdict quota_take(struct quota *quota, unsigned worker, int place,
			      const struct sockaddr *peer)
{
	uint64_t *held = held_by(quota, worker, place);
	uint64_t hash = hash_of(quota, peer);

	if (!held)
		return QUOTA_UNCHECKED;
	if (count_of(quota, hash) >= quota->limit)
		return QUOTA_REFUSED;
	__atomic_store_n(held, hash, __ATOMIC_RELEASE);
	if (!add(quota, hash, true) && !add(quota, hash, false)) {
		*held = 0;
		return QUOTA_UNCHECKED;
	}
	/* Workers that raced may all have seen room: those that made it too many step back. */
	if (count_of(quota, hash) > quota->limit) {
		quota_give(quota, worker, place);
		return QUOTA_REFUSED;
	}
	return QUOTA_TAKEN;
}

void quota_give(struct quota *quota, unsigned worker, int place)
{
	uint64_t *held = held_by(quota, worker, place);

	if (!held || *held == 0)
		return;
	take_off(quota, *held);
	*held = 0;
}

void quota_settle(struct quota *quota, unsigned worker)
{
	for (size_t place = 0; place < quota->places; place++)
		quota_give(quota, worker, (int)place);
}
