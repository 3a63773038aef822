// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/presence.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { WORD_BITS = 64, WORDS = PRESENCE_SLOTS / WORD_BITS };

struct presence {
	unsigned workers;
	size_t bytes;
	uint64_t *words; /* WORDS of worker 0, then of worker 1, ... */
};

/* Pages are taken where a worker has feeds, or was looked for: 128 KiB of each at most. */
int presence_open(struct presence **out, unsigned workers)
{
	struct presence *presence = calloc(1, sizeof(*presence));

	if (!presence)
		return -ENOMEM;
	presence->workers = workers;
	presence->bytes = workers * WORDS * sizeof(uint64_t);
	presence->words = mmap(NULL, presence->bytes, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (presence->words == MAP_FAILED) {
		int err = -errno;

		free(presence);
		return err;
	}
	*out = presence;
	return 0;
}

void presence_close(struct presence *presence)
{
	if (!presence)
		return;
	munmap(presence->words, presence->bytes);
	free(presence);
}

static uint64_t *word_of(const struct presence *presence, unsigned worker, uint32_t hash)
{
	assert(worker < presence->workers);
	return &presence->words[(size_t)worker * WORDS + presence_slot(hash) / WORD_BITS];
}

static uint64_t bit_of(uint32_t hash)
{
	return 1ULL << presence_slot(hash) % WORD_BITS;
}

/* Sequentially consistent: it is visible before the feed's welcome can be. */
void presence_set(struct presence *presence, unsigned worker, uint32_t hash)
{
	__atomic_or_fetch(word_of(presence, worker, hash), bit_of(hash),
			  __ATOMIC_SEQ_CST);
}

void presence_clear(struct presence *presence, unsigned worker, uint32_t hash)
{
	__atomic_and_fetch(word_of(presence, worker, hash), ~bit_of(hash),
			   __ATOMIC_SEQ_CST);
}

/*
 * Gives the worker's pages back, which reads as zero. Shared memory knows no page of zeros
 * that all could read: only to look which words are set would take every page.
 */
void presence_reset(struct presence *presence, unsigned worker)
{
	uint64_t *words = &presence->words[(size_t)worker * WORDS];

	if (madvise(words, WORDS * sizeof(*words), MADV_REMOVE) == 0)
		return;
	for (size_t i = 0; i < WORDS; i++)
		if (__atomic_load_n(&words[i], __ATOMIC_RELAXED))
			__atomic_store_n(&words[i], 0, __ATOMIC_SEQ_CST);
}

bool presence_may(const struct presence *presence, unsigned worker, uint32_t hash)
{
	return __atomic_load_n(word_of(presence, worker, hash), __ATOMIC_ACQUIRE) &
	       bit_of(hash);
}
