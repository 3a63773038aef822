/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_EXPR_H
#define RULES_EXPR_H

#include <stdint.h>

#include "rules/layout.h"

struct nftnl_rule;

/* Writes our rules as libnftnl expressions, and knows them again. Pure. */

/* Adds "counter notrack". Returns 0 or -ENOMEM. */
int expr_put_notrack(struct nftnl_rule *rule);

/* Adds the look-up of a packet in a map, with its guards. Returns 0 or -ENOMEM. */
int expr_put_lookup(struct nftnl_rule *rule, const struct layout_lookup *lookup);

enum expr_meaning {
	EXPR_STRANGE, /* not a rule that we write */
	EXPR_NOTRACK,
	EXPR_LOOKUP,
};

/* What a rule says. */
struct expr_rule {
	enum expr_meaning meaning;
	unsigned lookup;  /* EXPR_LOOKUP: which */
	uint64_t packets; /* EXPR_NOTRACK: what its counter says */
	uint64_t bytes;
};

/* Recognises a rule that was read from chain. Returns 0 or -ENOMEM. */
int expr_recognise(const struct nftnl_rule *rule, const char *chain,
		   struct expr_rule *out);

#endif
