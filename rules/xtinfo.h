/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_XTINFO_H
#define RULES_XTINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/model.h"

struct run;

/* What the matches of xtables have in common. Pure. */

/* What a fact is about. */
enum {
	XTINFO_FACT_MATCHES = 0x80,
	XTINFO_FACT_NOW,
	XTINFO_FACT_OPAQUE,
	XTINFO_FACT_OPTION
};

/* The answer of a match: yes, no, or that it cannot be read. */
enum xtinfo_answer { XTINFO_NO, XTINFO_YES, XTINFO_UNREADABLE };

enum xtinfo_answer xtinfo_say(bool matches);

/* Copies what the extension keeps; false if it is not so long. Padding may follow. */
bool xtinfo_take(const struct model_expr *expr, void *info, size_t bytes);

/* FNV-1a: two matches that keep the same ask the same. */
uint64_t xtinfo_digest(const struct model_expr *expr);

#endif
