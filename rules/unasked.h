/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_UNASKED_H
#define RULES_UNASKED_H

struct auditor;

/*
 * Compares what came of a packet from an outbound service's port that nobody here asked for: whether it gets
 * in untracked only, for then rules that ask for the state no longer keep such packets out.
 */
void unasked_judge(struct auditor *auditor);

#endif
