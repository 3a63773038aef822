// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/schedule.h"

#include "server/load.h"

void schedule_start(struct schedule *schedule, uint64_t now_ns, uint64_t rate,
		    uint64_t window, uint64_t count, uint64_t duration_ns)
{
	*schedule = (struct schedule){
		.paced = rate > 0,
		.window = window,
		.count = count,
		.end_ns = now_ns + duration_ns,
	};
	/* Without a rate it only counts what was taken. */
	pacer_start(&schedule->pacer, now_ns, rate > 0 ? rate : 1);
}

void schedule_share(struct schedule *schedule, uint64_t processes, uint64_t index)
{
	if (!schedule->paced)
		return;
	schedule->count = schedule->count > index
				  ? (schedule->count - index - 1) / processes + 1
				  : 0;
	pacer_share(&schedule->pacer, processes, index);
}

uint64_t schedule_left(const struct schedule *schedule)
{
	return schedule->count - schedule->pacer.taken;
}

static uint64_t due(const struct schedule *schedule, uint64_t now_ns)
{
	uint64_t left = schedule_left(schedule);
	uint64_t n = schedule->paced ? pacer_due(&schedule->pacer, now_ns) : left;

	return n < left ? n : left;
}

uint64_t schedule_allowed(struct schedule *schedule, uint64_t now_ns,
			  uint64_t outstanding)
{
	/* Wrapped if there are more, but then it is not looked at. */
	uint64_t room = schedule->window - outstanding;
	uint64_t n;

	if (schedule->window == 0)
		return due(schedule, now_ns);
	if (outstanding >= schedule->window) {
		schedule->held_up = due(schedule, now_ns) > 0;
		return 0;
	}
	/* A closed loop does not catch up: what had to wait for room is not late. */
	if (schedule->held_up && schedule->paced)
		pacer_resume(&schedule->pacer, now_ns);
	schedule->held_up = false;
	n = due(schedule, now_ns);
	return n < room ? n : room;
}

void schedule_took(struct schedule *schedule, uint64_t now_ns, uint64_t n,
		   struct load_outcome *outcome)
{
	uint64_t due_ns = pacer_next_ns(&schedule->pacer);

	schedule->held_up = false;
	if (schedule->paced && now_ns > due_ns + LOAD_LATE_NS) {
		/* What was due so long ago already. */
		uint64_t late = pacer_due(&schedule->pacer, now_ns - LOAD_LATE_NS);
		outcome->late += late < n ? late : n;
		if (now_ns - due_ns > outcome->max_late_ns)
			outcome->max_late_ns = now_ns - due_ns;
	}
	pacer_take(&schedule->pacer, n);
}

void schedule_hold_up(struct schedule *schedule)
{
	schedule->held_up = true;
}

uint64_t schedule_time_ns(const struct schedule *schedule, uint64_t i, uint64_t now_ns)
{
	return schedule->paced ? pacer_time_ns(&schedule->pacer, i) : now_ns;
}

uint64_t schedule_next_ns(const struct schedule *schedule)
{
	uint64_t next;

	if (schedule->held_up || schedule_left(schedule) == 0)
		return schedule->end_ns;
	next = schedule->paced ? pacer_next_ns(&schedule->pacer) : 0;
	return next < schedule->end_ns ? next : schedule->end_ns;
}
