/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_LEASE_H
#define GUARD_LEASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/apply.h"

struct config;

/*
 * The services that are out of tracking, and the leases that keep them so: each ends by
 * itself unless it is refreshed. Opaque: owns a netlink conversation.
 */
struct leases;

/*
 * config must outlive it. Rehearsing, it pretends that every change succeeds and makes
 * none. Returns 0 or -errno.
 */
int leases_open(struct leases **out, const struct config *config, bool rehearse);

/* Closes it; what is out of tracking stays so until its lease ends. NULL is allowed. */
void leases_close(struct leases *leases);

/*
 * Takes over the configured services that an earlier guard left out of tracking. Returns how
 * many, or -errno with the reason: -EEXIST if the table is not ours.
 */
int leases_adopt(struct leases *leases, uint64_t now_ns, struct apply_why *why);

/* Takes configured service number i out of tracking. */
int leases_engage(struct leases *leases, size_t i, uint64_t now_ns,
		  struct apply_why *why);

/* Gives it back. */
int leases_release(struct leases *leases, size_t i, struct apply_why *why);

/* Starts every lease anew. */
int leases_refresh(struct leases *leases, struct apply_why *why);

/*
 * Reads the packet counters. A service whose elements are gone, taken away by somebody else
 * or lapsed, is no longer engaged; *lost (may be NULL) counts them. Returns 0 or -errno.
 */
int leases_measure(struct leases *leases, uint64_t now_ns, size_t *lost);

bool leases_engaged(const struct leases *leases, size_t i);
size_t leases_count(const struct leases *leases);
uint64_t leases_since_ns(const struct leases *leases, size_t i);

/* Untracked packets towards the service: a second, by the last two measurements; and in all. */
double leases_packets_per_s(const struct leases *leases, size_t i);
uint64_t leases_packets(const struct leases *leases, size_t i);

#endif
