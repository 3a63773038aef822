/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_UNTRACKED_H
#define CONNTRACK_UNTRACKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/service.h"

struct nl;

/*
 * What table inet ctkit keeps out of tracking now: only read, and only as much as is shown, so
 * that reading does not depend on rules/, which writes it (docs/design.md). What it knows of the table: an
 * element of a map jumps to a chain that is named after a service, and the rules of that chain
 * say "counter ... notrack".
 */
enum { UNTRACKED_MAX = 64 };

struct untracked_service {
	char name[SERVICE_TEXT_MAX]; /* as ctrules(8) writes it */
	bool leased; /* an element leads to its chain, for requests; else it is left over */
	bool ruled; /* that chain takes packets out */
	bool ends;  /* the lease does, in left_ms; else it is for ever */
	uint64_t left_ms;
	uint64_t in_packets;  /* untracked since the chains were made: requests */
	uint64_t out_packets; /* and answers */
	bool rated;           /* the next two are known */
	double in_rate;       /* packets per second */
	double out_rate;
};

struct untracked {
	size_t count;
	size_t left_out; /* services beyond UNTRACKED_MAX, about */
	struct untracked_service services[UNTRACKED_MAX];
};

/*
 * Reads the table of nl's network namespace. Returns 0, also if there is none; -EAGAIN if it
 * kept changing meanwhile, -EPROTONOSUPPORT if the kernel has no nf_tables, or another -errno: *out
 * is as it was.
 */
int untracked_read(struct nl *nl, struct untracked *out);

/* Sets the rates of now, which was read seconds after before. */
void untracked_rate(const struct untracked *before, double seconds,
		    struct untracked *now);

#endif
