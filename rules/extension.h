/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_EXTENSION_H
#define RULES_EXTENSION_H

#include "rules/model.h"

struct run;

/*
 * What evaluate() is for the extensions of xtables in rules that iptables-nft made: what is kept of
 * them is read as the structures of linux/netfilter/xt_*.h. One that is not known, or not of
 * the size that it should have, is opaque. Pure.
 */
enum model_verdict_code extension_match(struct run *run, const struct model_expr *expr);

#endif
