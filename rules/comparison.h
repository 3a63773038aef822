/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_COMPARISON_H
#define RULES_COMPARISON_H

struct auditor;
struct model_chain;
struct model_rule;
struct run;

/*
 * Compares what came of the auditor's packet tracked and untracked, and adds what differs: its fate,
 * effects, the mark.
 */
void comparison_make(struct auditor *auditor);

/*
 * The last rule in the base chain (NULL: in any) that asked about tracking and matched in run, but not
 * in other. NULL if there is none.
 */
const struct model_rule *comparison_parting(const struct run *run,
					    const struct run *other,
					    const struct model_chain *base);

/* Notes what run met that is not understood. */
void comparison_opaque(struct auditor *auditor, const struct run *run);

#endif
