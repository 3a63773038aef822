/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_SCHEDULE_H
#define SERVER_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "server/pacer.h"

struct load_outcome;

/*
 * When the next things may be sent: at their time (rate), as long as few enough are
 * unanswered (window), until all were (count) or the time is over. Pure: the caller brings
 * the clock. An open loop that was held up catches up; a full window moves the
 * times that follow, so that answers which come at once do not cause a burst.
 */
struct schedule {
	struct pacer pacer; /* counts also when there is no rate */
	bool paced;
	bool held_up; /* what was due found no room */
	uint64_t window;
	uint64_t count;
	uint64_t end_ns;
};

/* A rate of 0: as fast as the window allows; a window of 0: any number unanswered. Not both. */
void schedule_start(struct schedule *schedule, uint64_t now_ns, uint64_t rate,
		    uint64_t window, uint64_t count, uint64_t duration_ns);

/*
 * Right after schedule_start(): of what is paced, only the share of one of several processes that
 * take turns (pacer_share()). The window is this process's own.
 */
void schedule_share(struct schedule *schedule, uint64_t processes, uint64_t index);

/* How many may be sent now, when outstanding are unanswered. */
uint64_t schedule_allowed(struct schedule *schedule, uint64_t now_ns,
			  uint64_t outstanding);

/* n were sent or failed to be; notes in outcome how late they were. */
void schedule_took(struct schedule *schedule, uint64_t now_ns, uint64_t n,
		   struct load_outcome *outcome);

/* What was allowed could not be tried now: not before something was settled. */
void schedule_hold_up(struct schedule *schedule);

/* When the i-th, counted from the first, is due: its intended time. now_ns if there is no rate. */
uint64_t schedule_time_ns(const struct schedule *schedule, uint64_t i, uint64_t now_ns);

/* How many were not taken yet. */
uint64_t schedule_left(const struct schedule *schedule);

/* When more may be sent, if nothing is settled before: at the latest when the time is over. */
uint64_t schedule_next_ns(const struct schedule *schedule);

#endif
