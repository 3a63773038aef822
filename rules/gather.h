/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_GATHER_H
#define RULES_GATHER_H

struct model;
struct model_chain;
struct model_set;
struct nlmsghdr;

/* Puts the kernel's nf_tables messages into a model, one after the other. Pure. */
struct gather {
	struct model *model;
	struct model_chain *chain; /* of the last rule */
	struct model_set *set;     /* of the last elements */
};

/*
 * Adds what a message of a dump says: tables come first, then chains, sets and objects, then rules and
 * elements. Afterwards model_complete(). Returns 0, -EINTR if it is about something that did not
 * come before (the ruleset changed meanwhile), -E2BIG, -EBADMSG or -ENOMEM.
 */
int gather_message(struct gather *gather, const struct nlmsghdr *header);

#endif
