/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_DECODE_H
#define RULES_DECODE_H

#include <stdint.h>

#include "rules/model.h"

struct nlattr;

/* What the kernel's number of a verdict means. */
enum model_verdict_code decode_verdict(uint32_t code);

/*
 * Adds the expressions of a rule (NFTA_RULE_EXPRESSIONS, as a dump has them) to the model's
 * rule. libnftnl would drop attributes that it does not know and refuse a rule for an
 * expression that it does not know: here one with either becomes MODEL_OPAQUE, so that nothing
 * is overlooked. Pure. Returns 0, -ENOMEM, or -EBADMSG if it is no list of expressions.
 */
int decode_rule(struct model *model, struct model_rule *rule,
		const struct nlattr *expressions);

#endif
