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
	json_t *walks;       /* the same; NULL: not asked for */

	bool rehearsed; /* was to be; rehearsal says whether it could */
	struct rehearsal rehearsal;
};

/*
 * Audits service by the ruleset as it is; explain: and writes the walks down; rehearse: and tries it
 * in copies of this namespace. Returns 0, or what judge.h says; then there is nothing to end.
 */
int inquiry_make(struct inquiry *inquiry, struct nl *nl, const struct service *service,
		 bool explain, bool rehearse);
void inquiry_end(struct inquiry *inquiry);

/* What it found, and the walks if they were asked for: for people, and added to an object. */
void inquiry_text(const struct inquiry *inquiry, struct text *text);
void inquiry_json(const struct inquiry *inquiry, json_t *object);

#endif
