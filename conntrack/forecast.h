/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_FORECAST_H
#define CONNTRACK_FORECAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conntrack/crests.h"

/*
 * Estimates when the table will be full. Pure arithmetic: the caller brings the
 * clock, so tests can replay any history. Zero-initialise before use.
 * Fields are the implementation's business; readers use the functions.
 *
 * Three memories. Steps of 20 ms or more, for about a second: how fast it climbs now. Marks
 * of half a second, for 20 s: whether it really gets anywhere, for garbage collection takes away
 * in one go what had expired over seconds, and old entries leave as new ones come. And crests, for
 * minutes: what it came to.
 */
enum { FORECAST_STEPS = 64, FORECAST_MARKS = 41 };

#define FORECAST_MARK_S 0.5

struct forecast_step {
	double seconds;
	double rise; /* entries; negative: it fell */
	bool fell; /* by more than chance: some were collected, or deleted; or it did just before */
	double most, least; /* entries in a mark; those that a walk took are no more */
};

/* A memory that overwrites its oldest: the last is at (next - 1) modulo its length. */
struct forecast {
	uint64_t last_ns; /* CLOCK_MONOTONIC of the last sample; 0: none yet */
	double level;     /* entries at the last sample */
	uint64_t step_ns; /* where the step that is being taken began */
	double step_level;
	bool step_fell; /* the last one: what takes entries away does not end with it */
	size_t next_step;
	size_t steps;
	struct forecast_step step[FORECAST_STEPS];
	uint64_t mark_ns;
	double mark_rise;
	bool mark_fell;
	double mark_most, mark_least;
	size_t next_mark;
	size_t marks;
	struct forecast_step mark[FORECAST_MARKS];
	struct crests crests;
	double fallen;         /* entries lost in steps that fell, since the start */
	uint64_t fell_ns;      /* when the last of them was; 0: none yet */
	uint64_t fell_from_ns; /* when those began that it ended */
	double fell_climb;     /* how fast it climbed before */
};

/*
 * Adds a sample, 5 ms to 1 s after the last, at any intervals. Returns 0, or -EINVAL if time did
 * not advance (state kept).
 */
int forecast_add(struct forecast *f, uint64_t now_ns, uint32_t entries);

/*
 * What chance alone may bring: entries that come and go independently change the count by about the
 * root of how many did, moves. Four times that, and never less than a handful.
 */
double forecast_noise(double moves);

/*
 * The table was walked since the last sample, and has entries now: expired ones that it had are
 * gone, which is no trend. Returns how many, 0 if chance may have brought as much.
 */
double forecast_note_walk(struct forecast *f, uint64_t now_ns, uint32_t entries);

/* A mark of the long memory: 0 is the last, and there are f->marks. */
const struct forecast_step *forecast_mark(const struct forecast *f, size_t ago);

/* Whether it has seen enough to say anything: two samples, 20 ms apart. */
bool forecast_ready(const struct forecast *f);

/*
 * Entries per second that the table gains now (negative: loses), a single jump within
 * the window left out. 0 while there is too little to tell it from noise.
 */
double forecast_slope(const struct forecast *f);

/*
 * The same but for steps in which the count fell: what it gains while nothing is collected, over as
 * many of the last 5 s as it was about the same. Returns false, and leaves *climb, if it
 * fell in most of the last second.
 */
bool forecast_climb(const struct forecast *f, double *climb);

/*
 * Entries that were lost in falls since the start, those that came meanwhile included but not what
 * forecast_note_walk() tells, and how many seconds before the last sample the last fall was
 * (INFINITY: never).
 */
double forecast_fallen(const struct forecast *f);
double forecast_fell_s(const struct forecast *f);

/* Seconds from the last sample until limit is reached: 0 if it is, INFINITY if it will not be. */
double forecast_full_in(const struct forecast *f, uint32_t limit);

/*
 * Whether growth slows down towards a level, which then is in *entries. Rough: a
 * level below the limit means no more than that the present course does not reach it.
 */
bool forecast_settles_at(const struct forecast *f, double *entries);

/*
 * Forgets the past after a step that is no trend, such as entries deleted at once:
 * the next sample starts anew from entries.
 */
void forecast_restart(struct forecast *f, uint64_t now_ns, uint32_t entries);

#endif
