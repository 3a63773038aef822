/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_REFIT_H
#define GUARD_REFIT_H

#include <stdbool.h>

struct config;
struct service;
struct text;
struct ward;

/* What becomes of a ward by what programs register in its network namespace. */

/* A configuration with that beside what base has; the caller frees it. NULL: no memory. */
struct config *refit_config(const struct ward *ward, const struct config *base);

/*
 * Takes over what is registered now, while rounds go on; only if services came or went is the history of
 * the table forgotten. Returns 0, or -errno with a sentence in *why.
 */
int refit_ward(struct ward *ward, struct text *why);

/* Whether service is out of tracking there, or bounded. */
bool refit_is_out(const struct ward *ward, const struct service *service);

#endif
