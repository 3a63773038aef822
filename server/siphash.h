/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_SIPHASH_H
#define SERVER_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

/* What makes the hashes of one run unlike those of another. */
struct siphash_key {
	uint64_t word[2];
};

/* Takes a new key from the kernel's random numbers. Returns 0 or -errno. */
int siphash_key_make(struct siphash_key *key);

/*
 * SipHash-2-4 (Aumasson, Bernstein: "SipHash: a fast short-input PRF", 2012): who does not know the key cannot choose texts whose hashes collide. Pure.
 */
uint64_t siphash(const struct siphash_key *key, const void *data, size_t bytes);

#endif
