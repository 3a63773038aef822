/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_LEASE_H
#define GUARD_LEASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/apply.h"
#include "rules/terms.h"

struct config;
struct vetting;

/*
 * The services that are out of tracking, and the leases that keep them so: each ends by
 * itself unless it is refreshed. Opaque: owns a netlink conversation.
 */
struct leases;

/*
 * config and vetting must outlive it; budgets are armed only for what the vetting allows.
 * Rehearsing, it pretends that every change succeeds and makes none. Returns 0 or -errno.
 */
int leases_open(struct leases **out, const struct config *config,
		const struct vetting *vetting, bool rehearse);

/* Closes it; what is out of tracking stays so until its lease ends. NULL is allowed. */
void leases_close(struct leases *leases);

/*
 * Takes over the configured services whose leases an earlier guard left running; refresh them
 * at once. A service that somebody else's rule keeps out is known as engaged, as much of it as is
 * out, but stays as whoever made the rule wants it. Returns how many were taken over, or -errno with the
 * reason: -EEXIST if the table is not ours.
 */
int leases_adopt(struct leases *leases, uint64_t now_ns, struct apply_why *why);

/* Called for a service that somebody else took out, or bounded by a budget. */
typedef void leases_met_cb(size_t i, void *data);

/*
 * Looks, if the ruleset has changed, whether somebody else has meanwhile made rules for services of
 * which there were none. Returns 0 or -errno.
 */
int leases_meet(struct leases *leases, uint64_t now_ns, leases_met_cb *met, void *data);

/*
 * From now on percent of the flows of configured service number i are out of tracking, by a lease:
 * 1 to POLICY_WHOLE. Of a share that grows or shrinks the flows stay the same.
 */
int leases_set(struct leases *leases, size_t i, unsigned percent, uint64_t now_ns,
	       struct apply_why *why);

/* Gives it back, its budget too, unless somebody else's rule holds it. */
int leases_release(struct leases *leases, size_t i, struct apply_why *why);

/*
 * Sets the budgets that are configured, without a lease: they bound their services with
 * the guard dead, too. What another rule holds is left alone. Returns 0 or -errno.
 */
int leases_arm(struct leases *leases, struct apply_why *why);

/* Starts every lease anew. -ENOENT if the rules of one are gone: measure to find out whose. */
int leases_refresh(struct leases *leases, struct apply_why *why);

/*
 * Called for a service that is no longer out of tracking, though the guard did not give it back.
 * held: it was out by somebody else's rule.
 */
typedef void leases_lost_cb(size_t i, bool held, void *data);

/*
 * Reads the packet counters, and calls lost for services whose elements are gone: taken
 * away by somebody else, or lapsed. Returns 0 or -errno; then no rate is known.
 */
int leases_measure(struct leases *leases, uint64_t now_ns, leases_lost_cb *lost,
		   void *data);

bool leases_engaged(const struct leases *leases, size_t i);

/* How much of it is out: 0 to POLICY_WHOLE. */
unsigned leases_percent(const struct leases *leases, size_t i);

/* Which flows that are, by the rules that are in force. */
struct extent leases_extent(const struct leases *leases, size_t i);

/* Whether a budget of ours bounds it. */
bool leases_bounded(const struct leases *leases, size_t i);

/*
 * Whether it is out by somebody else's rule, which is left as it is. fixed: by one without a lease, so
 * that no more of it may go either.
 */
bool leases_held(const struct leases *leases, size_t i);
bool leases_fixed(const struct leases *leases, size_t i);

/* How many are out. */
size_t leases_count(const struct leases *leases);

/* Whether changes are only pretended. */
bool leases_rehearse(const struct leases *leases);

/* Whether there is anything of ours, or that we know of, in the ruleset. */
bool leases_any(const struct leases *leases);

/* How much of a service was out before its rules were lost; 0: a budget bounded it. */
unsigned leases_lost_percent(const struct leases *leases, size_t i);

/* Whether table inet ctkit was there when it was read last, and the ruleset's generation then. */
bool leases_table_present(const struct leases *leases);
uint32_t leases_generation(const struct leases *leases);

/* When what is out got its leases, or they were refreshed. */
uint64_t leases_refreshed_ns(const struct leases *leases);

/* When it was taken out, and when that was last changed. */
uint64_t leases_since_ns(const struct leases *leases, size_t i);
uint64_t leases_changed_ns(const struct leases *leases, size_t i);

/* Untracked packets towards the service, by its rules' counters, at the last measurement. */
uint64_t leases_packets(const struct leases *leases, size_t i);

/*
 * Untracked packets towards the service a second, between the last two measurements;
 * INFINITY until there are two.
 */
double leases_packets_per_s(const struct leases *leases, size_t i);

#endif
