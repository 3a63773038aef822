/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_WIRING_H
#define GUARD_WIRING_H

#include <stdbool.h>

struct config;
struct journal;
struct log;
struct text;

/*
 * The running guard: looks at the table, asks the policy, carries out what it says. Opaque;
 * one a network namespace.
 */
struct guard;

/*
 * Opens everything that the guard needs and takes over the leases of an earlier one.
 * config, journal and log must outlive it. Rehearsing, it changes nothing. On failure
 * returns -errno with a sentence in *why: -EPERM (no CAP_NET_ADMIN), -ENOENT (no conntrack in
 * the kernel), -EADDRINUSE (another guard runs in this namespace), -EEXIST (the nft
 * table is somebody else's).
 */
int guard_open(struct guard **out, const struct config *config, struct journal *journal,
	       const struct log *log, bool rehearse, struct text *why);

/*
 * Guards until SIGINT, which takes the guard's rules away, or SIGTERM, which leaves
 * their leases to run out so that a restarted guard takes them over. Returns 0, or
 * -errno if the rules could not be taken away.
 */
int guard_run(struct guard *guard);

/* Closes it without touching the rules; NULL is allowed. */
void guard_close(struct guard *guard);

#endif
