/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_QUOTE_H
#define RULES_QUOTE_H

#include <stddef.h>
#include <stdint.h>

struct model_rule;

/*
 * The ruleset's rules in the words of nft, which libnftables finds: it reads the kernel's rules a
 * second time, so only for people. Opaque.
 */
struct quote;

/* The library may need longer for what it does not know than anybody waits. */
enum { QUOTE_SECONDS_MAX = 5 };

/*
 * Lists the ruleset once. Returns 0, -ETIMEDOUT, -ECANCELED if libnftables refused or failed, or
 * another -errno.
 */
int quote_open(struct quote **out);

/* Why, in words, of what quote_open() returned. */
const char *quote_why(int err);

/* Writes the words of a rule, without its handle, or "" if it is not there. */
void quote_rule(const struct quote *quote, const struct model_rule *rule, char *text,
		size_t bytes);

/* NULL is allowed. */
void quote_close(struct quote *quote);

#endif
