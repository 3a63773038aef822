/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_JUDGE_H
#define RULES_JUDGE_H

#include <stdint.h>

#include "rules/model.h"
#include "rules/surroundings.h"

struct audit;
struct audit_listener;
struct legacy;
struct nl;
struct quote;
struct service;

/* All that a judgement is made from: the ruleset and what is around it. Zero-initialise but for what is asked. */
struct evidence {
	struct model model;
	struct surroundings host;
	const struct legacy *legacy; /* borrowed; NULL: seen as far as may be now */
	uint64_t until_ns; /* of clock_spent_ns(), to read rules; 0: however long */
};

/*
 * Reads the evidence; nl is a conversation with NETLINK_NETFILTER. Returns 0, or what snapshot.h
 * and survey.h say; *out is then empty. evidence_clear() it.
 */
int evidence_read(struct nl *nl, struct evidence *out);
void evidence_clear(struct evidence *evidence);

/*
 * Audits service by the evidence, and adds what only the live host can tell: live translated entries
 * (asked by nl), other packet filters. Without words of rules: judge_quote() adds them, from a
 * second reading, which takes longer. Returns 0 or -errno.
 */
int judge_service(struct nl *nl, const struct evidence *evidence,
		  const struct service *service, const struct audit_listener *listener,
		  struct audit *out);
void judge_quote(struct audit *audit);

/*
 * The parts of it, for who judges many services and asks once: by the evidence alone; by what
 * translated_count() found and returned; words from a quote.
 */
int judge_by_evidence(const struct evidence *evidence, const struct service *service,
		      const struct audit_listener *listener, struct audit *out);
void judge_translated(unsigned count, int err, struct audit *audit);
void judge_word(const struct quote *quote, struct audit *audit);

#endif
