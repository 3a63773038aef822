/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_SEQUENCE_H
#define SERVER_SEQUENCE_H

#include <stdint.h>

/*
 * Which of the lines of a feed, numbered from 1, have come: over UDP some do not, some come
 * twice or after later ones. Pure; zero: none has come.
 */
struct sequence {
	uint64_t last; /* the highest that came */
	uint64_t seen; /* bit i: number last - i came */
};

enum { SEQUENCE_WINDOW = 64 };

/*
 * No feed skips more than this and still has a lease: the longest lease, at the shortest
 * interval, is 30000 lines.
 */
enum { SEQUENCE_GAP_MAX = 32768 };

enum sequence_verdict {
	SEQUENCE_NEXT,    /* new; *missed numbers before it did not come, yet */
	SEQUENCE_BELATED, /* new, and was taken for missed before */
	SEQUENCE_AGAIN,   /* it came before */
	SEQUENCE_ANEW, /* far behind: a new row has begun, of which *missed numbers did not come */
	SEQUENCE_NONSENSE, /* no number of such a feed; nothing is changed */
};

enum sequence_verdict sequence_take(struct sequence *sequence, uint64_t number,
				    uint64_t *missed);

#endif
