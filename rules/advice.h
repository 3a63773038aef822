/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_ADVICE_H
#define RULES_ADVICE_H

#include <stdbool.h>

struct finding;
struct run;
struct service;

/* Why something is a finding, and what to do about it, in words. Pure. */

/* The fates of a packet that differ: why and fix of a finding about finding->rule. */
void advice_fate(const struct service *service, const struct run *tracked,
		 const struct run *untracked, struct finding *finding);

/* Something that happens to the packet in one of the two only. */
void advice_effect(const struct service *service, const struct run *doer, unsigned effect,
		   struct finding *finding);

/* Everything else: what is wrong with the rule (or the host), and what to do. */
void advice_plain(struct finding *finding, const char *why, const char *fix);

#endif
