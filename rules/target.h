/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_TARGET_H
#define RULES_TARGET_H

#include "rules/model.h"

struct run;

/* What evaluate() is for the targets of xtables, as extension.h is for matches. Pure. */
enum model_verdict_code target_evaluate(struct run *run, const struct model_expr *expr);

#endif
