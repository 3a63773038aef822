/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_REMAINS_H
#define GUARD_REMAINS_H

#include <stdbool.h>

struct policy_decision;
struct policy_service;
struct policy_settings;
struct policy_view;

/*
 * Entries of services that are wholly out of tracking already: packets make no more of them, but deleting may
 * have failed, or others make some (conntrackd, conntrack -I). Pure.
 */

/*
 * The service that has most of them, if so many that the table is not calm because of that; else, or while any are
 * being deleted, NULL.
 */
const struct policy_service *remains_find(const struct policy_settings *settings,
					  const struct policy_view *view);

/*
 * Decides to delete those that it finds, for the trouble that trigger says. False, nothing then written, if
 * there are none, or it is not time to do it again.
 */
bool remains_decide(const struct policy_settings *settings,
		    const struct policy_view *view, const char *trigger,
		    struct policy_decision *out);

/* Whether entries are being deleted, or it was decided a moment ago, and that may help yet. */
bool remains_wait(const struct policy_settings *settings, const struct policy_view *view);

/* Keeps in view how often it was decided to delete them. Call for each decision that is carried out. */
void remains_note(struct policy_view *view, const struct policy_decision *decision);

/* That is forgotten when the table is in no trouble, and nothing is being deleted. */
void remains_forget(struct policy_view *view);

#endif
