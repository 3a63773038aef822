/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_TURNSTILE_H
#define GUARD_TURNSTILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Counts network namespaces, or programs, that come and go. A container that is restarted each second
 * would else drive everything else out of the journal within hours. Pure. Zero-initialise.
 */
struct turnstile {
	size_t came; /* since the last sum, without being told of one by one */
	size_t went;
	double told;     /* one by one, lately */
	uint64_t at_ns;  /* when that was reckoned */
	uint64_t sum_ns; /* when the last sum was told; 0: never */
};

/* How many are told of at once, and after how long it is one more; how often there is a sum. */
enum { TURNSTILE_AT_ONCE = 20, TURNSTILE_ONE_EACH_S = 60, TURNSTILE_SUM_EACH_S = 600 };

/* Whether one that comes or goes at now_ns is told of; if not, the caller counts it in came or went. */
bool turnstile_lets(struct turnstile *turnstile, uint64_t now_ns);

/* Whether it is time to tell what was counted; that is then forgotten by turnstile_forget(). */
bool turnstile_sums(const struct turnstile *turnstile, uint64_t now_ns);
void turnstile_forget(struct turnstile *turnstile, uint64_t now_ns);

#endif
