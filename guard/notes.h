/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_NOTES_H
#define GUARD_NOTES_H

#include <stdint.h>

struct config;
struct journal;
struct leases;
struct policy_view;

/* What the guard tells of itself, into its journal. view has the services' names. */

/* At the start: what it guards and by which marks. */
void notes_hello(struct journal *journal, const struct config *config);

/* What it took over, and what is held by others, if there is any. */
void notes_adopted(struct journal *journal, const struct leases *leases,
		   const struct policy_view *view);

/* A service was given back because the guard ends. */
void notes_withdrawn(struct journal *journal, const char *service);

/* At the end: what stays out of tracking and for how long, and what went wrong on the way. */
void notes_goodbye(struct journal *journal, const struct config *config,
		   const struct leases *leases, const struct policy_view *view,
		   uint64_t errors);

#endif
