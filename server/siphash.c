// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/siphash.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

/* Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012), 2.1 to 2.4. */
struct state {
	uint64_t v0, v1, v2, v3;
};

enum { ROUNDS = 2, LAST_ROUNDS = 4 };

static uint64_t rotate(uint64_t word, unsigned bits)
{
	return word << bits | word >> (64 - bits);
}

static void mix(struct state *s, int rounds)
{
	while (rounds-- > 0) {
		s->v0 += s->v1;
		s->v2 += s->v3;
		s->v1 = rotate(s->v1, 13) ^ s->v0;
		s->v3 = rotate(s->v3, 16) ^ s->v2;
		s->v0 = rotate(s->v0, 32) + s->v3;
		s->v2 += s->v1;
		s->v1 = rotate(s->v1, 17) ^ s->v2;
		s->v3 = rotate(s->v3, 21) ^ s->v0;
		s->v2 = rotate(s->v2, 32);
	}
}

static void absorb(struct state *s, uint64_t word)
{
	s->v3 ^= word;
	mix(s, ROUNDS);
	s->v0 ^= word;
}

uint64_t siphash(const struct siphash_key *key, const void *data, size_t bytes)
{
	struct state s = {
		/* "somepseudorandomlygeneratedbytes" */
		.v0 = key->word[0] ^ 0x736f6d6570736575,
		.v1 = key->word[1] ^ 0x646f72616e646f6d,
		.v2 = key->word[0] ^ 0x6c7967656e657261,
		.v3 = key->word[1] ^ 0x7465646279746573,
	};
	const unsigned char *at = data;
	uint64_t word;

	for (size_t left = bytes; left >= sizeof(word); left -= sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		absorb(&s, le64toh(word));
		at += sizeof(word);
	}
	/* The rest, with the length in the highest byte. */
	word = 0;
	memcpy(&word, at, bytes % sizeof(word));
	absorb(&s, le64toh(word) | (uint64_t)bytes << 56);
	s.v2 ^= 0xff;
	mix(&s, LAST_ROUNDS);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

int siphash_key_make(struct siphash_key *key)
{
	ssize_t bytes = getrandom(key, sizeof(*key), 0);

	if (bytes < 0)
		return -errno;
	/* So few bytes come whole or not at all (getrandom(2)). */
	return bytes == (ssize_t)sizeof(*key) ? 0 : -EIO;
}
