/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_REHEARSAL_H
#define RULES_REHEARSAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/copy.h"
#include "rules/detours.h"
#include "rules/watch.h"

struct audit;
struct evidence;
struct text;

/*
 * Whether a service's packets fare the same untracked, tried by the kernel itself: this network namespace is copied into
 * two scratch ones, the service is untracked in one of them, and real packets go through both.
 */

enum { REHEARSAL_LINES_MAX = 8, REHEARSAL_LINE_BYTES = 320 };

struct rehearsal {
	bool done; /* else why says why not */
	char why[COPY_TEXT_MAX];
	bool outdated; /* because rules have changed since the audit */
	size_t flows;
	bool heard;         /* something of the service came through */
	size_t differences; /* of all; no more than REHEARSAL_LINES_MAX have words */
	bool errors_only;   /* none but ICMP errors, and what comes of them, differ */
	char line[REHEARSAL_LINES_MAX][REHEARSAL_LINE_BYTES];
	struct detours detours;
	struct watch watch; /* rules that the audit could not judge, */
	uint64_t reached;   /* and which of them packets met, a bit each */
	struct copy_missing missing;
};

/*
 * Rehearses the service of the audit in copies of the calling thread's namespace, which is only read. evidence
 * is what was audited. Takes about a second, and ends within PERFORMANCE_SECONDS_MAX for each copy.
 */
void rehearsal_run(const struct audit *audit, const struct evidence *evidence,
		   struct rehearsal *out);

/*
 * Sets the audit's verdict by the rehearsal. What differs is unsafe. What was not judged is settled if all was
 * copied, something of the service came through, and packets met the rule that it is about; too many cases
 * are never.
 */
void rehearsal_judge(const struct rehearsal *rehearsal, struct audit *audit);

void rehearsal_text(const struct rehearsal *rehearsal, struct text *text);
json_t *rehearsal_json(const struct rehearsal *rehearsal);

#endif
