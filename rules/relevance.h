/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_RELEVANCE_H
#define RULES_RELEVANCE_H

#include <stdbool.h>

struct model_expr;
struct run;

/*
 * Whether expr only compares and what comes behind it in its rule is for another protocol or port, before it could have
 * an effect: nft writes addresses in front of them. Then what those are need not be asked, which splits a case for every
 * rule; and where the port is open, that is asked first: rules are for few ports. Pure.
 */
bool relevance_is_none(struct run *run, const struct model_expr *expr);

#endif
