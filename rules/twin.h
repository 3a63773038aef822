/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_TWIN_H
#define RULES_TWIN_H

struct finding;
struct service;

/*
 * Betters the fix of a finding whose rule_text is known now, if it is a twin of the rule: the rule's own words,
 * for untracked packets, let no more through than the rule does. Pure.
 */
void twin_reword(const struct service *service, struct finding *finding);

#endif
