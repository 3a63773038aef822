/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_EVALUATE_H
#define RULES_EVALUATE_H

#include "rules/model.h"

struct run;

/*
 * Evaluates one expression of the rule run->rule as the kernel does. Returns MODEL_CONTINUE for the
 * next one, MODEL_BREAK if the rule does not match, else the verdict. Pure.
 */
struct model_verdict evaluate(struct run *run, const struct model_expr *expr);

#endif
