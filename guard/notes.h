/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_NOTES_H
#define GUARD_NOTES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct config;
struct enrolment;
struct journal;
struct leases;
struct policy_view;
struct turnstile;

/* What the guard tells of itself, into its journal. view has the services' names. */

/*
 * At the "start", and after a "reload": what it guards, in how many namespaces if that is configured, and
 * by which marks.
 */
void notes_hello(struct journal *journal, const char *event, const struct config *config,
		 size_t namespaces);

/* What it took over, and what is held by others, if there is any. */
void notes_adopted(struct journal *journal, const struct leases *leases,
		   const struct policy_view *view);

/* A network namespace has come, or gone, while the guard runs; the journal is its. */
void notes_joined(struct journal *journal);
void notes_gone(struct journal *journal);

/* When it is time: how many came and went, of what it says, that were not told of; the journal is the guard's. */
void notes_churn(struct journal *journal, const char *what, struct turnstile *turnstile);

/* A program has registered what it serves ("register"), or does not serve it any more ("leave"). */
void notes_program(struct journal *journal, const char *event, pid_t pid,
		   const struct enrolment *enrolment);

/* It could not send so many times, as the kernel did not permit it. */
void notes_refused(struct journal *journal, const struct enrolment *enrolment, pid_t pid,
		   uint64_t count);

/* It was called something else before. */
void notes_renamed(struct journal *journal, const char *before);

/* A service was given back because the guard ends. */
void notes_withdrawn(struct journal *journal, const char *service);

/* At the end: what stays out of tracking and for how long, and what went wrong on the way. */
void notes_goodbye(struct journal *journal, const struct config *config,
		   const struct leases *leases, const struct policy_view *view,
		   uint64_t errors);

/* At the end, of all namespaces of which there is nothing to tell; the journal is the guard's. */
void notes_quiet(struct journal *journal, size_t namespaces);

#endif
