/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_REHEARSAL_H
#define RULES_REHEARSAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "rules/copy.h"

struct audit;
struct service;
struct text;

/*
 * Whether a service's packets fare the same untracked, tried by the kernel itself: this network namespace is copied into
 * two scratch ones, the service is untracked in one of them, and real packets go through both.
 */

enum { REHEARSAL_LINES_MAX = 8, REHEARSAL_LINE_BYTES = 200 };

struct rehearsal {
	bool done; /* else why says why not */
	char why[COPY_TEXT_MAX];
	size_t flows;
	size_t differences; /* of all; no more than REHEARSAL_LINES_MAX have words */
	char line[REHEARSAL_LINES_MAX][REHEARSAL_LINE_BYTES];
	struct copy_missing missing;
};

/*
 * Rehearses service in copies of the calling thread's namespace, which is only read. Takes about a second, and
 * ends within REHEARSAL_SECONDS_MAX for each copy.
 */
enum { REHEARSAL_SECONDS_MAX = 20 };
void rehearsal_run(const struct service *service, struct rehearsal *out);

/*
 * Sets the audit's verdict by the rehearsal: what was unknown is settled, if all could be copied;
 * where it contradicts "safe", that is no longer said.
 */
void rehearsal_judge(const struct rehearsal *rehearsal, struct audit *audit);

void rehearsal_text(const struct rehearsal *rehearsal, struct text *text);
json_t *rehearsal_json(const struct rehearsal *rehearsal);

#endif
