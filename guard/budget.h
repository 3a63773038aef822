/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_BUDGET_H
#define GUARD_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config;
struct log;
struct text;

/*
 * How far the budgets of a configuration reach. Each packet that one lets be tracked may be a new flow,
 * and its replies are not tracked, so its entry lives as long as that of an unanswered one.
 */
struct budget_reach {
	size_t count;     /* services with a budget */
	double per_s;     /* packets that all of them let be tracked */
	double timeout_s; /* net.netfilter.nf_conntrack_udp_timeout */
	uint32_t limit;   /* of the table; 0: not known */
};

/* Reads timeout and limit of the calling thread's network namespace, from /proc. */
struct budget_reach budget_measure(const struct config *config);

/* Entries that can be there at once by the budgets: those of a timeout, and a second's burst. */
double budget_entries(const struct budget_reach *reach);

/* Whether that is more than the table takes; then the budgets do not keep it from filling. */
bool budget_exceeds(const struct budget_reach *reach);

/* Says so, in a sentence. */
void budget_explain(const struct budget_reach *reach, struct text *text);

/* Measures and says so in the log, if it is so: no error, as another limit may be meant. */
void budget_warn(const struct config *config, const struct log *log);

#endif
