/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_REFUSAL_H
#define RULES_REFUSAL_H

struct apply_why;
struct change;
struct ruleset;
struct service;

/* Errors as one sentence. Pure. */

/*
 * err is from ruleset_read() or a plan_ function, about ruleset and service (NULL: none or
 * several).
 */
void refusal_of_plan(int err, const struct ruleset *ruleset,
		     const struct service *service, struct apply_why *why);

/* err is from reading the whole ruleset. */
void refusal_of_reading(int err, struct apply_why *why);

/* err is what the kernel said of a batch, and of which change in it (NULL: not known). */
void refusal_of_kernel(int err, const struct change *change, struct apply_why *why);

/* The answer was lost, and the ruleset that was then read does not have what was asked for. */
void refusal_of_loss(struct apply_why *why);

#endif
