// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/suspects.h"

#include <errno.h>
#include <linux/netlink.h>
#include <math.h>
#include <stdlib.h>

#include "conntrack/addresses.h"
#include "conntrack/routes.h"
#include "guard/census.h"
#include "guard/config.h"
#include "guard/growth.h"
#include "guard/policy.h"
#include "lib/clock.h"
#include "lib/nl.h"

/* How long a census serves as the baseline of growth while there is no trouble. */
static const double BASELINE_AGE_S = 30;

/*
 * The last census tells all while the count is that far from it at most, as a part of the mark, and for so
 * long; it is renewed at half of that, but not more often than this.
 */
static const double WARM_PART = 0.1;
static const double WARM_FOR_S = 1;
static const double RENEW_WARM_S = 0.01;

struct suspects {
	const struct config *config;
	struct nl *nl;
	struct nl *route;
	struct addresses local;
	struct census baseline;
	struct census census;
	struct growth growth; /* from the one to the other */
	uint32_t lowest;      /* count since the last census, or at it */
	struct census_top top;
};

int suspects_read_local(struct suspects *suspects)
{
	return routes_read_local(suspects->route, &suspects->local);
}

int suspects_open(struct suspects **out, struct nl *nl, const struct config *config)
{
	struct suspects *suspects = calloc(1, sizeof(*suspects));
	int err;

	if (!suspects)
		return -ENOMEM;
	suspects->config = config;
	suspects->nl = nl;
	err = nl_open(&suspects->route, NETLINK_ROUTE);
	if (!err)
		err = suspects_read_local(suspects);
	if (err) {
		suspects_close(suspects);
		return err;
	}
	*out = suspects;
	return 0;
}

void suspects_close(struct suspects *suspects)
{
	if (!suspects)
		return;
	nl_close(suspects->route);
	free(suspects);
}

static int take(struct suspects *suspects, uint64_t now_ns, uint32_t entries,
		struct census *out)
{
	return census_take(suspects->nl, suspects->config, &suspects->local, now_ns,
			   entries, out);
}

/* Takes the census, and compares it with the baseline. */
static int look_who(struct suspects *suspects, uint64_t now_ns, uint32_t entries)
{
	int err = take(suspects, now_ns, entries, &suspects->census);

	if (err)
		return err;
	suspects->lowest = entries;
	growth_between(&suspects->baseline.sample, &suspects->census.sample,
		       &suspects->growth);
	return 0;
}

/* Writes who it is by the last census. */
static void tell(const struct suspects *suspects, struct policy_view *view)
{
	census_apply(&suspects->census, view);
	growth_apply(&suspects->growth, view);
}

int suspects_find(struct suspects *suspects, uint32_t entries, struct policy_view *view)
{
	int err = look_who(suspects, view->now_ns, entries);

	if (!err)
		tell(suspects, view);
	return err;
}

/* Entries at which the policy asks who it is, at the latest. */
static double mark(const struct suspects *suspects, const struct policy_view *view)
{
	return suspects->config->policy.engage_at * view->limit;
}

/* Whether the last census is one of growth, and will be for some time. */
static bool is_fresh(const struct suspects *suspects, double warm_for_s,
		     const struct policy_view *view)
{
	const struct growth_sample *sample = &suspects->census.sample;

	return sample->taken_ns > suspects->baseline.sample.taken_ns &&
	       clock_is_within(sample->taken_ns, view->now_ns, warm_for_s);
}

/* Entries that came since the last census, when the table counts so many; 0 if hardly any did. */
static double unseen_of(const struct suspects *suspects, double entries,
			const struct policy_view *view)
{
	double came = entries - suspects->census.sample.entries;

	return fabs(came) <= WARM_PART * mark(suspects, view) ? 0 : came;
}

int suspects_keep_warm(struct suspects *suspects, uint32_t entries,
		       const struct policy_view *view)
{
	double climb = WARM_PART / 2 * mark(suspects, view);

	/* What falls needs no watching; what climbs from there does. */
	if (entries < suspects->lowest)
		suspects->lowest = entries;
	if (entries < suspects->lowest + climb ||
	    clock_is_within(suspects->census.sample.taken_ns, view->now_ns, RENEW_WARM_S))
		return 0;
	/* What will do at the mark is not taken again on the last stretch: it would only make the guard late. */
	if (is_fresh(suspects, WARM_FOR_S / 2, view) &&
	    unseen_of(suspects, mark(suspects, view), view) == 0)
		return 0;
	return look_who(suspects, view->now_ns, entries);
}

bool suspects_recall(const struct suspects *suspects, uint32_t entries,
		     struct policy_view *view, double *unseen)
{
	double came = unseen_of(suspects, entries, view);

	if (!is_fresh(suspects, WARM_FOR_S, view) || came < 0)
		return false;
	tell(suspects, view);
	*unseen = came;
	return true;
}

int suspects_find_top(struct suspects *suspects, struct policy_view *view)
{
	int err = census_find_top(suspects->nl, &suspects->top);

	if (err)
		return err;
	view->top = suspects->top.name[0] ? suspects->top.name : NULL;
	view->top_share = suspects->top.share;
	return 0;
}

int suspects_keep_baseline(struct suspects *suspects, uint32_t entries,
			   const struct policy_view *view)
{
	int unread, err;

	if (clock_is_within(suspects->baseline.sample.taken_ns, view->now_ns,
			    BASELINE_AGE_S))
		return 0;
	unread = suspects_read_local(suspects);
	err = take(suspects, view->now_ns, entries, &suspects->baseline);
	if (!err)
		suspects->lowest = entries;
	return err ? err : unread;
}

void suspects_renew_baseline(struct suspects *suspects, uint64_t now_ns)
{
	if (!clock_is_within(suspects->baseline.sample.taken_ns, now_ns, POLICY_FRESH_S))
		suspects->baseline = suspects->census;
}

void suspects_forget(struct suspects *suspects)
{
	/* growth is reckoned anew with the next census, before anybody asks for it. */
	suspects->census = (struct census){ 0 };
	suspects->baseline = (struct census){ 0 };
}

const struct census *suspects_census(const struct suspects *suspects)
{
	return &suspects->census;
}
