/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_DECODE_H
#define RULES_DECODE_H

#include <stdint.h>

#include "rules/model.h"

struct nlattr;

/*
 * Adds the expressions of a rule (NFTA_RULE_EXPRESSIONS, as a dump has them) to the model's
 * rule. An expression that is not known,
 * or has an attribute that is not, becomes MODEL_OPAQUE, so that nothing is overlooked (libnftnl drops
 * such attributes, and refuses the whole rule for such an expression). Pure. Returns 0, -ENOMEM, or -EBADMSG if it is no list of expressions.
 */
int decode_rule(struct model *model, struct model_rule *rule,
		const struct nlattr *expressions);

/*
 * Adds what a set does with its elements (NFTA_SET_EXPR, NFTA_SET_ELEM_EXPR, or one of a list of such) to list, unless
 * it only counts, or is there already. Pure. Returns 0, -ENOMEM, or -EBADMSG if it is no expression, or there are too many.
 */
int decode_statement(struct model *model, const struct nlattr *nest,
		     struct model_expr **list);

#endif
