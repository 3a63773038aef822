/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_PACER_H
#define SERVER_PACER_H

#include <stdint.h>

enum { PACER_RATE_MAX = 100000000 };

/*
 * When each of a row of events is due: number i at start + i / rate, in whole
 * nanoseconds, without drift however long the row. Pure arithmetic: the caller brings
 * the clock. A caller that was held up finds everything that became due meanwhile due
 * at once, as an open loop must; pacer_resume() is for closed loops, which do not catch up.
 */
struct pacer {
	uint64_t start_ns; /* when event number `base` is due */
	uint64_t base;
	uint64_t rate;   /* events per second, 1..PACER_RATE_MAX, */
	uint64_t stride; /* of which every so many-th is ours, */
	uint64_t first;  /* after so many that are not */
	uint64_t taken;
};

void pacer_start(struct pacer *pacer, uint64_t now_ns, uint64_t rate);

/*
 * The row is shared by processes that take turns, each with a pacer that was started at the same
 * time: number i of ours is i * processes + index of all. Right after pacer_start().
 */
void pacer_share(struct pacer *pacer, uint64_t processes, uint64_t index);

/* How many events are due at now_ns that were not taken yet. */
uint64_t pacer_due(const struct pacer *pacer, uint64_t now_ns);

/* Takes the next n events. */
void pacer_take(struct pacer *pacer, uint64_t n);

/* When event number i is due; i must not lie before the last pacer_resume(). */
uint64_t pacer_time_ns(const struct pacer *pacer, uint64_t i);

/* When the next event that was not taken is due. */
uint64_t pacer_next_ns(const struct pacer *pacer);

/* If the next event is overdue: from now on the row goes on from there, without catching up. */
void pacer_resume(struct pacer *pacer, uint64_t now_ns);

#endif
