/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_FINDINGS_H
#define RULES_FINDINGS_H

#include <stdbool.h>

#include "rules/finding.h"

struct audit;

/* What an audit has found so far. */

/*
 * A finding about a packet, and a rule, or a chain, or neither (NULL). What it means and what is to be
 * said is still to be filled in.
 */
struct finding findings_about(const struct packet *packet, const char *code,
			      const struct model_rule *rule,
			      const struct model_chain *chain);

/* Whether nothing would be new about it. */
bool findings_know(struct audit *out, const struct finding *finding);

/* Adds it, or the families that it is about to one like it, and changes the verdict. */
void findings_add(struct audit *out, const struct finding *finding);

#endif
