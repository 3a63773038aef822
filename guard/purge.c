// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/purge.h"

#include <stddef.h>

#include "guard/blame.h"
#include "guard/policy.h"
#include "lib/clock.h"

/*
 * Expired entries are counted until they are collected, and have no owner: a table that is this
 * full and leaves this much time is purged of them before anybody is blamed, not more often
 * than this.
 */
static const double FROM = 0.25;
static const double NEEDS_S = 2;
static const double AGE_S = 10;

/*
 * A table that is further above the mark than this part of the limit did not get there under the guard's eyes,
 * or would go too far meanwhile: somebody goes first, what has expired after that.
 */
static const double BEYOND_PART = 0.02;

bool purge_due(const struct policy_view *view)
{
	return view->entries >= FROM * view->limit && blame_time_left_s(view) > NEEDS_S &&
	       view->leaving <= 0 &&
	       (view->purging || !clock_is_within(view->purged_ns, view->now_ns, AGE_S));
}

bool purge_comes_second(const struct policy_settings *settings,
			const struct policy_view *view)
{
	double beyond = (settings->engage_at + BEYOND_PART) * view->limit;

	if (view->purging || blame_staying(view) < beyond)
		return false;
	for (size_t i = 0; i < view->count; i++) {
		if (view->services[i].percent > 0 &&
		    view->services[i].changed_ns > view->purged_ns)
			return false;
	}
	return true;
}
