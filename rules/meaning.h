/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_MEANING_H
#define RULES_MEANING_H

#include "rules/terms.h"

struct nftnl_rule;

enum meaning_kind {
	MEANING_STRANGE, /* not a rule that we write */
	MEANING_UNTRACK,
	MEANING_LOOKUP,
};

/* What a rule of our table says. */
struct meaning {
	enum meaning_kind kind;
	unsigned lookup;        /* LOOKUP: which */
	struct untrack untrack; /* UNTRACK */
};

/*
 * Knows again a rule that expr.h wrote, or nft from our text, and that was read from chain.
 * Pure. Returns 0 or -ENOMEM.
 */
int meaning_read(const struct nftnl_rule *rule, const char *chain, struct meaning *out);

#endif
