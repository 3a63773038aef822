/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_TERMS_H
#define RULES_TERMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/layout.h"

struct service;

/* On what terms a service is out of tracking: how much of it, how long, by whom. Pure. */

enum extent_kind {
	EXTENT_ALL,
	EXTENT_SHARE,  /* some of its flows, chosen by a hash of the client's end */
	EXTENT_BUDGET, /* UDP: what exceeds a rate; below it all is tracked */
};

/*
 * How much of a service is untracked. Zero: all of it. A larger share holds every flow of
 * a smaller one with the same seed, so a share can grow and shrink in steps.
 */
struct extent {
	enum extent_kind kind;
	unsigned percent; /* SHARE: 1 to 99 */
	uint32_t seed;    /* SHARE: any number; that of a share that is there is kept */
	/* BUDGET: packets towards the service that stay tracked; in bursts a second's worth. */
	uint32_t packets_per_s;
};

enum { EXTENT_RATE_MAX = 10000000, EXTENT_TEXT_MAX = 32 };

/* Whether both untrack as much; seeds may differ. */
bool extent_equal(const struct extent *a, const struct extent *b);

/* "all", "60%", "over 2000/s". */
void extent_format(const struct extent *extent, char text[EXTENT_TEXT_MAX]);

/* Whether service can be untracked so: NULL, or why not, as the end of a sentence. */
const char *extent_unfit(const struct extent *extent, const struct service *service);

/* One rule of a service's chain: which of the packets that come there it untracks. */
struct untrack {
	struct extent extent;
	uint8_t family;   /* SHARE: the only packets it is for; else AF_UNSPEC */
	bool by_source;   /* SHARE: the client's end is the source */
	bool from_here;   /* only those from addresses of this host */
	uint64_t packets; /* where its counter stands, or starts */
	uint64_t bytes;
};

enum { UNTRACK_RULES_MAX = 2 };

/*
 * How many rules the chain of service has for a side, and which. A budget counts what comes
 * to the service; every reply is untracked, so that none makes an entry of its own. What this
 * host's end of a flow sends, as what comes to it, must have an address of this host: a flow
 * of which only one direction were untracked would be broken.
 */
unsigned untrack_count(const struct extent *extent, const struct service *service,
		       enum layout_side side);
struct untrack untrack_rule(const struct extent *extent, const struct service *service,
			    enum layout_side side, unsigned index);

/* Which of them rule is, counters aside; UNTRACK_RULES_MAX: none. */
unsigned untrack_index(const struct untrack *rule, const struct service *service,
		       enum layout_side side);

enum { HOLDER_NAME_MAX = 16, HOLDER_TEXT_MAX = 32 };

/* Who took a service out, or last refreshed its lease. Zero: nobody knows. */
struct holder {
	char program[HOLDER_NAME_MAX]; /* lower-case letters */
	uint32_t pid;
};

/* "ctguard 1234"; "" if nobody knows. */
void holder_format(const struct holder *holder, char text[HOLDER_TEXT_MAX]);

/* The reverse, for length bytes of anything. Nobody, if it is not exactly what holder_format() writes. */
struct holder holder_parse(const char *text, size_t length);

bool holder_equal(const struct holder *a, const struct holder *b);

struct terms {
	uint64_t lease_ms; /* 0: for ever */
	struct extent extent;
	struct holder holder;
};

#endif
