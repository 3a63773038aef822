/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_JOURNAL_H
#define GUARD_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

struct log;
struct policy_decision;
struct policy_view;

/*
 * Tells what the guard does, one event a line: as a log line for people and, where
 * asked for, as a JSON object on a descriptor. A value; the log is borrowed.
 */
struct journal {
	const struct log *log;
	int json_fd; /* -1: no JSON */
	bool rehearse;
	uint64_t lost; /* JSON lines that could not be written */
};

/* The guard begins or ends; text is the sentence. */
void journal_note(struct journal *journal, const char *event, const char *text);

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

/* What the decision about service brought: entries before and after, and how long it took. */
void journal_effect(struct journal *journal, const char *service, uint32_t before,
		    uint32_t after, double seconds);

#endif
