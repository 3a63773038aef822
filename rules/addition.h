/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_ADDITION_H
#define RULES_ADDITION_H

#include <stdbool.h>

#include "rules/apply.h"
#include "rules/audit.h"
#include "rules/judge.h"
#include "rules/ruleset.h"
#include "rules/terms.h"

struct text;

/* A service that is taken out of tracking if the audit has nothing against it. */
struct addition {
	struct service service;
	struct terms terms;
	bool force; /* whatever the audit says */
	bool plan;  /* only judge and read, change nothing */

	/* What comes of it: */
	struct evidence evidence; /* which audit refers to; addition_clear() it */
	struct audit audit;
	bool judged; /* audit says something */
	struct ruleset ruleset;
	struct apply_why why;
};

/*
 * Audits the service by the ruleset as it is, and adds it to just that ruleset: if another program
 * changed rules meanwhile, it is audited and read again, a bounded number of times. Returns 0;
 * -EACCES if the audit is not "safe"; -EAGAIN if rules kept changing; or what
 * evidence_read() and apply_add() say, with the reason in why. With force the audit refuses nothing, and
 * where it cannot be made, judged is false. Nothing has changed after an error, as apply.h says.
 */
int addition_make(struct addition *addition, struct nl *nl);

/*
 * Says what came of addition_make(), which returned err: why nothing was added, or what
 * --force overrode; adds nothing to text if neither is the case.
 */
void addition_describe(const struct addition *addition, int err, struct text *text);

/* Says how the service was added: what the audit said, on which terms. */
void addition_tell(const struct addition *addition, struct text *text);

void addition_clear(struct addition *addition);

#endif
