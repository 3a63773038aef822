/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_LOAD_H
#define RULES_LOAD_H

#include <stdbool.h>

struct model_expr;
struct run;

/*
 * Expressions that load something of the packet or its surroundings into a register. False: there
 * is no such thing, the rule does not match. Pure.
 */
bool load_meta(struct run *run, const struct model_expr *expr);
bool load_ct(struct run *run, const struct model_expr *expr);
bool load_fib(struct run *run, const struct model_expr *expr);
bool load_exthdr(struct run *run, const struct model_expr *expr);
bool load_payload(struct run *run, const struct model_expr *expr);
bool load_number(struct run *run, const struct model_expr *expr); /* numgen, hash */

/* rt, socket, tunnel, xfrm, osf: what tracking has no part in. */
bool load_other(struct run *run, const struct model_expr *expr);

#endif
