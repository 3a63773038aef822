/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_INQUIRY_H
#define RULES_INQUIRY_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/text.h"
#include "rules/audit.h"
#include "rules/judge.h"
#include "rules/record.h"
#include "rules/rehearsal.h"
#include "rules/sweep.h"

struct apply_why;
struct nl;
struct quote;
struct service;

/* An audit that somebody asked for, in words. */
struct inquiry {
	struct audit audit;

	struct evidence evidence; /* which audit refers to */
	struct record record;
	struct quote *quote; /* words of rules; NULL: there are only handles */
	struct text text;    /* of the walks, as they were made */
	struct text idle;    /* names of those in which no rule matters */
	json_t *walks;       /* the same; NULL: not asked for */

	bool rehearsed; /* was to be; rehearsal says whether it could */
	struct rehearsal rehearsal;

	bool all;                       /* the audit is not of one service: */
	struct sweep_progress progress; /* the caller's */
	struct sweep sweep;
};

/*
 * Audits service by the ruleset as it is; explain: and writes the walks down; rehearse: and tries it
 * in copies of this namespace. Without a service (NULL) all are audited that somebody listens for, and
 * nothing is written down or tried. Zero-initialise, but for progress. Returns 0, or what judge.h and tenants.h say and one sentence;
 * then there is nothing to end.
 */
int inquiry_make(struct inquiry *inquiry, struct nl *nl, const struct service *service,
		 bool explain, bool rehearse, struct apply_why *why);

void inquiry_end(struct inquiry *inquiry);

enum audit_verdict inquiry_verdict(const struct inquiry *inquiry);

/* Says what is missing of what it found; adds nothing if all is there. */
void inquiry_complain(const struct inquiry *inquiry, struct text *text);

/* What it found, and the walks if they were asked for: for people, and added to an object. */
void inquiry_text(const struct inquiry *inquiry, struct text *text);
void inquiry_json(const struct inquiry *inquiry, json_t *object);

#endif
