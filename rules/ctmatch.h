/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_CTMATCH_H
#define RULES_CTMATCH_H

#include "rules/xtinfo.h"

/* Matches of xtables that ask for the connection. Pure. */

/* xt_conntrack.c, conntrack_mt(): without a connection only the state can match. */
enum xtinfo_answer ctmatch_conntrack(struct run *run, const struct model_expr *expr);

enum xtinfo_answer ctmatch_state(struct run *run, const struct model_expr *expr);
enum xtinfo_answer ctmatch_connlimit(struct run *run, const struct model_expr *expr);
enum xtinfo_answer ctmatch_helper(struct run *run, const struct model_expr *expr);

/* Others that need a connection. */
enum xtinfo_answer ctmatch_connection(struct run *run, const struct model_expr *expr);

#endif
