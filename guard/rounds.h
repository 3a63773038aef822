/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_ROUNDS_H
#define GUARD_ROUNDS_H

#include <ev.h>
#include <stdint.h>

#include "guard/custody.h"
#include "guard/warrant.h"

struct home;
struct journal;
struct leases;
struct log;
struct lookout;
struct netns;
struct remedy;
struct trouble;

/*
 * Called after a look that was decided on at looked_ns, or failed: then that is of the one before.
 * Returns the seconds after which there must be another; INFINITY if that does not matter.
 */
typedef double rounds_looked_cb(void *data, uint64_t looked_ns);

/*
 * What the guard does again and again: look at the table and act, refresh its leases, read
 * their counters and see that its rules are there. The pointers are borrowed.
 */
struct rounds {
	struct ev_loop *loop;
	const struct log *log;
	struct journal *journal;
	struct lookout *lookout;
	struct leases *leases;
	struct remedy *remedy;
	struct trouble *trouble;
	struct home *home; /* NULL: always in the namespace; else each round enters it */
	const struct netns *netns;
	rounds_looked_cb *looked;
	void *data;
	struct custody custody;
	struct warrant warrant;
	uint64_t refreshed_ns; /* when leases were last refreshed, or that was tried */
	uint64_t measured_ns;  /* when the counters were read; 0: never */
	uint64_t inspected_ns; /* when it was seen whether anything of that is due */
	double patience_s;     /* after which there must be a look, as looked() said */
	uint32_t lowest;       /* count since the table last neared the mark, or then */
	ev_timer look;
	ev_timer refresh;
};

/* Begins with a look at once; leases that last lease_s seconds are refreshed in time. */
void rounds_start(struct rounds *rounds, double lease_s);

/* There is a reason to look before it is time. */
void rounds_look_now(struct rounds *rounds);

/* Nothing happens if they were never started. */
void rounds_stop(struct rounds *rounds);

#endif
