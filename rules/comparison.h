/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_COMPARISON_H
#define RULES_COMPARISON_H

struct auditor;

/*
 * Compares what came of the auditor's packet tracked and untracked, and adds what differs: its fate,
 * effects, the mark.
 */
void comparison_make(struct auditor *auditor);

#endif
