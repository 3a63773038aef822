// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/blame.h"

#include <math.h>
#include <stdbool.h>

#include "guard/giveback.h"
#include "guard/policy.h"

/*
 * A service is guilty if at least this part of the growth, or of a table that does not grow, is its, and its
 * absence gives at least this part of the relief needed.
 */
static const double GUILTY_PART = 0.25;

/* Where nobody is, services may be it together: with this part of the growth, or of the table, at least. */
static const double TOGETHER_PART = 0.5;

/* Of them the largest go; this part of what the largest has is large. */
static const double LARGE_PART = 0.5;

/* The relief needed is never taken for less than this part of the mark: it is to last. */
static const double RELIEF_FLOOR = 0.125;

/* So long at least growth is taken to go on: what an entry of a one-shot UDP flow lives. */
static const double LASTING_S = GIVEBACK_LIFETIME_S;

/* A table that is full before that leaves no time to find out how much is enough. */
static const double SLICE_NEEDS_S = 2;

/* Slices of a service come in steps of so many percent. */
enum { ENGAGE_STEP = 10 };

double blame_staying(const struct policy_view *view)
{
	return fmax(0, view->entries - view->leaving);
}

double blame_time_left_s(const struct policy_view *view)
{
	double room = fmax(0, view->limit - blame_staying(view));

	return view->surge > 0 ? fmin(view->full_in_s, room / view->surge)
			       : view->full_in_s;
}

double blame_gains(const struct policy_view *view)
{
	/* Where there is a slope, and time, it is seen whether a surge lasts. */
	if (view->slope > 0 && blame_time_left_s(view) >= SLICE_NEEDS_S)
		return view->slope;
	return fmax(0, fmax(view->slope, view->surge));
}

double blame_projected(const struct policy_view *view, double seconds)
{
	return blame_staying(view) + blame_gains(view) * seconds;
}

double blame_lasting_s(const struct policy_settings *settings)
{
	return fmax(settings->horizon_s, LASTING_S);
}

/* Whether it is known who makes the table grow, and it does, or will again after a pause. */
static bool growth_known(const struct policy_settings *settings,
			 const struct policy_view *view)
{
	bool pauses = view->full_in_s > 0 && view->full_in_s <= settings->horizon_s;

	return (blame_gains(view) > 0 || pauses) && view->grown_total > 0;
}

double blame_growth_part(const struct policy_view *view,
			 const struct policy_service *service)
{
	if (view->grown_total > 0)
		return fmin(1, fmax(0, service->grown) / view->grown_total);
	return view->entries ? fmin(1, service->stock / view->entries) : 0;
}

double blame_relief(const struct policy_view *view, const struct policy_service *service,
		    double seconds)
{
	double growth = blame_gains(view) * blame_growth_part(view, service);

	return service->stock + growth * seconds;
}

static double relief(const struct policy_settings *settings,
		     const struct policy_view *view, const struct policy_service *service)
{
	return blame_relief(view, service, settings->horizon_s);
}

/* Entries too many after seconds. */
static double excess_in(const struct policy_settings *settings,
			const struct policy_view *view, double seconds)
{
	double needed =
		blame_projected(view, seconds) - policy_calm_level(settings, view);

	return fmax(needed, RELIEF_FLOOR * settings->engage_at * view->limit);
}

double blame_relief_needed(const struct policy_settings *settings,
			   const struct policy_view *view)
{
	return excess_in(settings, view, settings->horizon_s);
}

/*
 * The part of the trouble that is the service's. While the table grows, that is who grows and not who
 * has most: a service with many old entries is no flood. A table that stands at the
 * mark is blamed on who has most of it.
 */
static double part_of(const struct policy_settings *settings,
		      const struct policy_view *view,
		      const struct policy_service *service)
{
	if (growth_known(settings, view))
		return blame_growth_part(view, service);
	return view->entries ? fmin(1, service->stock / view->entries) : 0;
}

/* Whether the service is what fills the table. */
static bool guilty(const struct policy_settings *settings, const struct policy_view *view,
		   const struct policy_service *service)
{
	return part_of(settings, view, service) >= GUILTY_PART &&
	       relief(settings, view, service) >=
		       GUILTY_PART * blame_relief_needed(settings, view);
}

/*
 * Whether the table would be calm without the service, whoever fills it. One that is calm by its
 * projection, as between the bursts that the forecast sees, is not calm because of it.
 */
static bool suffices(const struct policy_settings *settings,
		     const struct policy_view *view, const struct policy_service *service)
{
	return relief(settings, view, service) >= blame_relief_needed(settings, view);
}

static bool may_go(const struct policy_service *service)
{
	return !service->unsafe && !service->bounded && !service->held &&
	       service->percent < POLICY_WHOLE;
}

/*
 * The part of the trouble from which on a service is large, where those that may go are together what fills the
 * table, and it would be calm without them: many may be flooded alike. INFINITY if they are not.
 */
static double large_part(const struct policy_settings *settings,
			 const struct policy_view *view)
{
	double parts = 0, largest = 0, gains = 0;

	for (size_t i = 0; i < view->count; i++) {
		const struct policy_service *service = &view->services[i];

		if (!may_go(service))
			continue;
		parts += part_of(settings, view, service);
		largest = fmax(largest, part_of(settings, view, service));
		gains += relief(settings, view, service);
	}
	return parts >= TOGETHER_PART && gains >= blame_relief_needed(settings, view)
		       ? LARGE_PART * largest
		       : INFINITY;
}

/*
 * How good a choice the service is to take out, or to take out more of: 0 is none. To go on with
 * one that is out in part, if that suffices, spares the others.
 */
static unsigned rank(const struct policy_settings *settings,
		     const struct policy_view *view, const struct policy_service *service,
		     double large)
{
	bool enough = suffices(settings, view, service);

	if (!may_go(service))
		return 0;
	if (guilty(settings, view, service))
		return enough && service->percent > 0 ? 4 : 3;
	if (part_of(settings, view, service) >= large)
		return 2;
	return enough ? 1 : 0;
}

size_t blame_choose(const struct policy_settings *settings,
		    const struct policy_view *view)
{
	double large = large_part(settings, view);
	size_t best = view->count;
	unsigned highest = 1;
	double most = -1;

	for (size_t i = 0; i < view->count; i++) {
		const struct policy_service *service = &view->services[i];
		double gain = relief(settings, view, service);
		unsigned grade = rank(settings, view, service, large);

		if (grade < highest || (grade == highest && gain <= most))
			continue;
		best = i;
		highest = grade;
		most = gain;
	}
	return best;
}

bool blame_is_certain(const struct policy_settings *settings,
		      const struct policy_view *view, size_t choice, double unseen)
{
	/* The one behind the last is nobody. */
	for (size_t i = 0; i <= view->count; i++) {
		struct policy_view other = *view;

		if (i == choice)
			continue;
		if (view->grown_total > 0)
			other.grown_total += unseen;
		if (i < view->count) {
			other.services[i].stock += unseen;
			other.services[i].grown += view->grown_total > 0 ? unseen : 0;
		}
		if (blame_choose(settings, &other) != choice)
			return false;
	}
	return true;
}

unsigned blame_slice(const struct policy_settings *settings,
		     const struct policy_view *view, const struct policy_service *service)
{
	double seconds = blame_lasting_s(settings);
	/*
	 * Of one that relieves nothing all must go: part is INFINITY then, as the excess is
	 * never 0.
	 */
	double part =
		excess_in(settings, view, seconds) / blame_relief(view, service, seconds);
	double percent =
		service->percent + (POLICY_WHOLE - service->percent) * fmin(1, part);

	if (blame_time_left_s(view) < SLICE_NEEDS_S)
		return POLICY_WHOLE;
	percent = ENGAGE_STEP * ceil(percent / ENGAGE_STEP);
	return (unsigned)fmin(POLICY_WHOLE,
			      fmax(percent, service->percent + ENGAGE_STEP));
}
