/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_EXPR_H
#define RULES_EXPR_H

#include "rules/layout.h"
#include "rules/terms.h"

struct nftnl_rule;

/* Writes our rules as libnftnl expressions. Pure. */

/* The two ports that start both UDP and TCP. */
enum { EXPR_SOURCE_PORT_AT = 0, EXPR_DESTINATION_PORT_AT = 2 };

/* What the hash of a share is over: an address, and a port that fills a register. */
enum { EXPR_REGISTER_BYTES = 4 };

/* Adds what a rule of a service's chain says. Returns 0 or -ENOMEM. */
int expr_put_untrack(struct nftnl_rule *rule, const struct untrack *untrack);

/* Adds the look-up of a packet in a map, with its guards. Returns 0 or -ENOMEM. */
int expr_put_lookup(struct nftnl_rule *rule, const struct layout_lookup *lookup);

#endif
