/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_SUSPECTS_H
#define GUARD_SUSPECTS_H

#include <stdbool.h>
#include <stdint.h>

struct census;
struct config;
struct nl;
struct policy_view;

/*
 * Who may be filling the table: the last census, one before that, which tells who has grown
 * since, and whoever has most. Opaque: owns a netlink conversation.
 */
struct suspects;

/* nl is for the samples; it and config must outlive it. Returns 0 or -errno. */
int suspects_open(struct suspects **out, struct nl *nl, const struct config *config);

/* NULL is allowed. */
void suspects_close(struct suspects *suspects);

/*
 * Takes a census of the table of view, which counts entries, and writes who it is into view.
 * Returns 0 or -errno, nothing then written.
 */
int suspects_find(struct suspects *suspects, uint32_t entries, struct policy_view *view);

/*
 * The same, so that it is known before anybody asks: if the count has climbed since the last census by
 * more than a small part of the mark at which the policy will ask. A few times on the
 * way there, and not at rest. Returns 0 or -errno.
 */
int suspects_keep_warm(struct suspects *suspects, uint32_t entries,
		       const struct policy_view *view);

/*
 * Writes who it is by the last census into view, and how many entries came since of nobody knows whom, 0 if
 * hardly any, into *unseen. Returns false, nothing then written, if that is older than the
 * baseline or too old, or entries have gone since.
 */
bool suspects_recall(const struct suspects *suspects, uint32_t entries,
		     struct policy_view *view, double *unseen);

/*
 * Reads this host's addresses anew: a flow to one that came since seems to be somebody else's.
 * Returns 0 or -errno, what was known then still holding.
 */
int suspects_read_local(struct suspects *suspects);

/* Writes who has most of the table into view. Returns 0 or -errno, nothing then written. */
int suspects_find_top(struct suspects *suspects, struct policy_view *view);

/*
 * Of the table without trouble, unless there is one that still serves: who comes from now on is who makes
 * it grow. Returns 0, or -errno also where only the addresses could not be read.
 */
int suspects_keep_baseline(struct suspects *suspects, uint32_t entries,
			   const struct policy_view *view);

/* Growth is counted from the last census on, unless it is fresh as it is (POLICY_FRESH_S). */
void suspects_renew_baseline(struct suspects *suspects, uint64_t now_ns);

/* Forgets censuses and baseline: the count has changed by other causes than growth. */
void suspects_forget(struct suspects *suspects);

/* The last census. */
const struct census *suspects_census(const struct suspects *suspects);

#endif
