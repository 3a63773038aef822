/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_JOURNAL_H
#define GUARD_JOURNAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guard/logbook.h"

struct log;
struct policy_decision;
struct policy_view;

enum { JOURNAL_RECENT = 12 };

/*
 * Tells what the guard does, one event a line: as a log line for people, and as a JSON object in
 * memory (the last few), in a logbook, and, where asked for, on a descriptor. A value that
 * owns its events: journal_free(); the log is borrowed.
 */
struct journal {
	const struct log *log;
	int json_fd; /* -1: no JSON there */
	struct logbook logbook;
	bool rehearse;
	const char *netns; /* network namespace that its events are of; NULL: not told */
	struct journal *keeper; /* keeps its events among others; NULL: itself */
	uint64_t lost;          /* JSON lines that json_fd did not take */
	uint64_t unkept;        /* and the logbook */
	uint64_t missing;       /* of those, in the logbook without a word */
	uint64_t told_ns;       /* when that was last said; 0: never */
	size_t next;            /* slot of the next event */
	json_t *recent[JOURNAL_RECENT];
};

/* Forgets the events in memory. */
void journal_free(struct journal *journal);

/* The last events, oldest first: a new array, NULL when memory ran out. */
json_t *journal_recent(const struct journal *journal);

/* The guard begins or ends, or what else is no decision; text is the sentence. */
void journal_note(struct journal *journal, const char *event, const char *text);

/* The same about one service. */
void journal_about(struct journal *journal, const char *event, const char *service,
		   const char *text);

/* The same, and that percent of it is out of tracking from then on, without a decision. */
void journal_out(struct journal *journal, const char *event, const char *service,
		 unsigned percent, const char *text);

/*
 * A decision that was carried out: the event is its action. view and decision are what
 * it was made on, seconds is from the look at the table that triggered it to the
 * kernel's acknowledgement.
 */
void journal_decision(struct journal *journal, const struct policy_view *view,
		      const struct policy_decision *decision, double seconds);

/* A decision that failed, with the reason. */
void journal_failure(struct journal *journal, const struct policy_view *view,
		     const struct policy_decision *decision, const char *reason);

/* What a step brought. */
struct journal_effect {
	uint32_t before;  /* entries of the table when it was decided */
	uint32_t after;   /* and now */
	uint32_t deleted; /* one by one */
	double expected;  /* to go */
	double seconds;   /* since it was decided */
};

/* Entries of service were deleted; or, service NULL, expired ones collected. */
void journal_effect(struct journal *journal, const char *service,
		    const struct journal_effect *effect);

#endif
