// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/slice.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include "rules/terms.h"

/* jhash's state, and where it starts. */
struct jhash {
	uint32_t a, b, c;
};

static const uint32_t JHASH_START = 0xdeadbeef;
enum { WORD = 4, BLOCK = 3 * WORD };

static uint32_t rotate(uint32_t word, unsigned bits)
{
	return word << bits | word >> (32 - bits);
}

static void mix(struct jhash *h)
{
	h->a -= h->c;
	h->a ^= rotate(h->c, 4);
	h->c += h->b;
	h->b -= h->a;
	h->b ^= rotate(h->a, 6);
	h->a += h->c;
	h->c -= h->b;
	h->c ^= rotate(h->b, 8);
	h->b += h->a;
	h->a -= h->c;
	h->a ^= rotate(h->c, 16);
	h->c += h->b;
	h->b -= h->a;
	h->b ^= rotate(h->a, 19);
	h->a += h->c;
	h->c -= h->b;
	h->c ^= rotate(h->b, 4);
	h->b += h->a;
}

static uint32_t finish(struct jhash *h)
{
	h->c ^= h->b;
	h->c -= rotate(h->b, 14);
	h->a ^= h->c;
	h->a -= rotate(h->c, 11);
	h->b ^= h->a;
	h->b -= rotate(h->a, 25);
	h->c ^= h->b;
	h->c -= rotate(h->b, 16);
	h->a ^= h->c;
	h->a -= rotate(h->c, 4);
	h->b ^= h->a;
	h->b -= rotate(h->a, 14);
	h->c ^= h->b;
	h->c -= rotate(h->b, 24);
	return h->c;
}

/* Whole blocks are read in the host's byte order, the rest as if it were little-endian. */
static uint32_t whole_word(const uint8_t *at)
{
	uint32_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

static uint32_t last_word(const uint8_t *at)
{
	return at[0] | at[1] << 8 | at[2] << 16 | (uint32_t)at[3] << 24;
}

/*
 * include/linux/jhash.h, jhash(): of two words, or of two after a block, which is all that an
 * address and a port can be.
 */
static uint32_t jhash(const uint8_t *key, size_t bytes, uint32_t seed)
{
	uint32_t start = JHASH_START + (uint32_t)bytes + seed;
	struct jhash h = { start, start, start };

	if (bytes > BLOCK) {
		h.a += whole_word(key);
		h.b += whole_word(key + WORD);
		h.c += whole_word(key + 2 * WORD);
		mix(&h);
		key += BLOCK;
	}
	h.a += last_word(key);
	h.b += last_word(key + WORD);
	return finish(&h);
}

bool slice_has(const struct extent *extent, uint8_t family, const void *address,
	       uint16_t port)
{
	size_t bytes =
		family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);
	uint8_t key[sizeof(struct in6_addr) + WORD] = { 0 };
	const uint16_t wire = htons(port);
	uint64_t scaled;

	if (extent->kind != EXTENT_SHARE)
		return extent->kind == EXTENT_ALL;
	memcpy(key, address, bytes);
	memcpy(key + bytes, &wire, sizeof(wire));
	/* reciprocal_scale() to a hundred (net/netfilter/nft_hash.c) */
	scaled = (uint64_t)jhash(key, bytes + WORD, extent->seed) * 100;
	return scaled >> 32 < extent->percent;
}
