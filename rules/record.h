/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_RECORD_H
#define RULES_RECORD_H

#include <stdbool.h>
#include <stddef.h>

struct model_chain;
struct model_rule;
struct run;

/* How rules went over all cases that were looked at: what --explain prints. Plain data. */

/* What was seen of a rule, a bit each. */
enum record_seen {
	RECORD_TRACKED_MATCH = 1 << 0,
	RECORD_TRACKED_PASS = 1 << 1,
	RECORD_UNTRACKED_MATCH = 1 << 2,
	RECORD_UNTRACKED_PASS = 1 << 3,
};

struct record_line {
	const struct model_rule *rule;
	const struct model_chain *base;
	unsigned seen;
};

enum { RECORD_LINES_MAX = 4096 };

/* Zero-initialise before use. */
struct record {
	size_t count;
	bool truncated; /* there were more */
	struct record_line line[RECORD_LINES_MAX];
};

/* Notes a rule that was evaluated. record may be NULL. */
void record_rule(struct record *record, const struct run *run,
		 const struct model_rule *rule, bool matched);

#endif
