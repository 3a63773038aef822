/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_BLAME_H
#define GUARD_BLAME_H

#include <stdbool.h>
#include <stddef.h>

struct policy_service;
struct policy_settings;
struct policy_view;

/* Who fills the table, and how much of whom must go. Pure. */

/* Entries without those that are being deleted. */
double blame_staying(const struct policy_view *view);

/*
 * Seconds until the table is full: by the forecast, or if it goes on as it surges, which the forecast does
 * not know yet.
 */
double blame_time_left_s(const struct policy_view *view);

/*
 * Entries that it gains a second: as it surges, if it would be full in a moment by that or no slope is known
 * yet; never less than 0.
 */
double blame_gains(const struct policy_view *view);

/* Entries after seconds if nothing is done. Falling tables are taken as they are now. */
double blame_projected(const struct policy_view *view, double seconds);

/* Seconds for which relief should last: the horizon, and what an entry lives, at least. */
double blame_lasting_s(const struct policy_settings *settings);

/*
 * The part of the growth that is the service's: of what came since the baseline where
 * that is known, else in proportion to what it has.
 */
double blame_growth_part(const struct policy_view *view,
			 const struct policy_service *service);

/* Entries that would not be there after seconds without what is tracked of the service. */
double blame_relief(const struct policy_view *view, const struct policy_service *service,
		    double seconds);

/* Entries that must not be there at the horizon for the table to be calm then; never few. */
double blame_relief_needed(const struct policy_settings *settings,
			   const struct policy_view *view);

/*
 * Index of the service to take out, or to take out more of: of the guilty the one that
 * relieves most, or that is out in part already if that suffices; where none is, one whose
 * absence alone suffices; count if there is none of either.
 */
size_t blame_choose(const struct policy_settings *settings,
		    const struct policy_view *view);

/*
 * Whether that would be the choice, too, if so many entries that nobody has looked at yet were another
 * service's, or nobody's.
 */
bool blame_is_certain(const struct policy_settings *settings,
		      const struct policy_view *view, size_t choice, double unseen);

/*
 * Percent of the service that must be out of tracking, more than are now: as much as is
 * needed for the table to be calm for blame_lasting_s(), and all of it if time is short.
 */
unsigned blame_slice(const struct policy_settings *settings,
		     const struct policy_view *view,
		     const struct policy_service *service);

#endif
