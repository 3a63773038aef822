/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_FINDING_H
#define RULES_FINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/packet.h"

struct model_chain;
struct model_rule;

/* What the audit found, as data and as sentences. */

enum finding_severity { FINDING_INFO, FINDING_WARNING, FINDING_BLOCKER };

/* What it means for the verdict. */
enum finding_weight { FINDING_HARMLESS, FINDING_UNJUDGED, FINDING_DIFFERENCE };

enum { FINDING_TEXT_MAX = 512, FINDING_ONLY_MAX = 128 };

struct finding {
	enum finding_severity severity;
	enum finding_weight weight;
	const char *code;                /* static */
	const struct model_rule *rule;   /* whose it is; NULL: none */
	const struct model_chain *chain; /* of it, or whose policy it is; NULL: none */
	enum packet_way way;             /* of the packets it is about */
	bool request;                    /* towards the server */
	bool sent; /* it happens where packets leave: they have an output interface only */
	bool error;   /* ICMP errors */
	bool unasked; /* from a remote service, but no answers */
	bool turned;  /* only if chains come in another order than they are listed */
	bool v4, v6;  /* for which addresses */
	bool twin;    /* the fix is the rule again, for untracked packets */
	char rule_text[FINDING_TEXT_MAX]; /* as nft prints it; "" if there is none */
	char only[FINDING_ONLY_MAX]; /* words of nft that a rule to let in must have */
	char only_options[FINDING_ONLY_MAX]; /* the same for iptables */
	char why[FINDING_TEXT_MAX];          /* one sentence */
	char fix[FINDING_TEXT_MAX];          /* to paste, or what to do; "" if nothing */
};

/* "blocker", "warning", "info". */
const char *finding_severity_name(enum finding_severity severity);

/* "requests", "replies", ...: the packets it is about, for people and programs. */
const char *finding_direction(const struct finding *finding);

#endif
