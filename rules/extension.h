/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_EXTENSION_H
#define RULES_EXTENSION_H

#include "rules/model.h"

struct run;

/* What evaluate() is for the extensions of xtables in rules that iptables-nft made. Pure. */
enum model_verdict_code extension_match(struct run *run, const struct model_expr *expr);
enum model_verdict_code extension_target(struct run *run, const struct model_expr *expr);

#endif
