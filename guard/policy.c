// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/policy.h"

#include <math.h>
#include <stdio.h>

/*
 * New entries a second that one host is assumed to be able to receive: somewhat more than
 * a core was seen to send over loopback (235,000 to 277,000/s). It bounds how
 * long the guard may look away from a table that is at rest.
 */
static const double FASTEST_FLOOD = 300000;

/* Looks at the table that fit into the time it needs to reach the mark. */
static const double LOOKS_BEFORE_MARK = 4;

/*
 * A service is guilty if at least this part of the growth is its, and its absence gives at
 * least this part of the relief needed.
 */
static const double GUILTY_PART = 0.25;

/* The relief needed is never taken for less than this share of the limit: it is to last. */
static const double RELIEF_FLOOR = 0.1;

static double mark(const struct policy_settings *settings, const struct policy_view *view)
{
	return settings->engage_at * view->limit;
}

static double calm_level(const struct policy_settings *settings,
			 const struct policy_view *view)
{
	return settings->release_at * view->limit;
}

static double percent(const struct policy_view *view, double entries)
{
	return view->limit ? 100 * entries / view->limit : 0;
}

bool policy_triggered(const struct policy_settings *settings,
		      const struct policy_view *view)
{
	return view->entries >= mark(settings, view) ||
	       view->full_in_s <= settings->horizon_s;
}

/* Entries at the horizon if nothing is done. Falling tables are taken as they are now. */
static double projected(const struct policy_settings *settings,
			const struct policy_view *view)
{
	return view->entries + fmax(0, view->slope) * settings->horizon_s;
}

/* Whether it is known who makes the table grow, and it does. */
static bool growth_known(const struct policy_view *view)
{
	return view->slope > 0 && view->grown_total > 0;
}

double policy_growth_part(const struct policy_view *view,
			  const struct policy_service *service)
{
	if (view->grown_total > 0)
		return fmin(1, fmax(0, service->grown) / view->grown_total);
	return view->entries ? fmin(1, service->stock / view->entries) : 0;
}

/* Entries that would not be there at the horizon without the service. */
static double relief(const struct policy_settings *settings,
		     const struct policy_view *view, const struct policy_service *service)
{
	double growth = fmax(0, view->slope) * policy_growth_part(view, service);

	return service->stock + growth * settings->horizon_s;
}

/* Entries too many at the horizon. */
static double relief_needed(const struct policy_settings *settings,
			    const struct policy_view *view)
{
	double needed = projected(settings, view) - calm_level(settings, view);

	return fmax(needed, RELIEF_FLOOR * view->limit);
}

/*
 * Whether the service is what fills the table. While that grows, it is who grows and not who
 * has most: a service with many old entries is no flood. A table that stands at the
 * mark is blamed on who has most of it.
 */
static bool guilty(const struct policy_settings *settings, const struct policy_view *view,
		   const struct policy_service *service)
{
	if (growth_known(view) && policy_growth_part(view, service) < GUILTY_PART)
		return false;
	return relief(settings, view, service) >=
	       GUILTY_PART * relief_needed(settings, view);
}

/* Whether the table would be calm without the service, whoever fills it. */
static bool suffices(const struct policy_settings *settings,
		     const struct policy_view *view, const struct policy_service *service)
{
	return projected(settings, view) - relief(settings, view, service) <=
	       calm_level(settings, view);
}

/*
 * Index of the service to take out: of the guilty the one that relieves most; where none
 * is, one whose absence alone suffices; count if there is none of either.
 */
static size_t choose(const struct policy_settings *settings,
		     const struct policy_view *view)
{
	size_t best = view->count;
	bool best_guilty = false;
	double most = 0;

	for (size_t i = 0; i < view->count; i++) {
		const struct policy_service *service = &view->services[i];
		double gain = relief(settings, view, service);
		bool is_guilty = guilty(settings, view, service);

		if (service->engaged ||
		    (!is_guilty && !suffices(settings, view, service)))
			continue;
		if (best < view->count && (best_guilty > is_guilty ||
					   (best_guilty == is_guilty && gain <= most)))
			continue;
		best = i;
		best_guilty = is_guilty;
		most = gain;
	}
	return best;
}

/* "80.2 % full" or "full in 6.1 s at 41000 entries/s". */
static void describe_trigger(const struct policy_settings *settings,
			     const struct policy_view *view, char *text, size_t size)
{
	double fill = percent(view, view->entries);

	if (view->entries >= mark(settings, view))
		snprintf(text, size, "%u of %u entries (%.1f %%), at the mark",
			 view->entries, view->limit, fill);
	else
		snprintf(text, size,
			 "full in %.1f s: %u of %u entries (%.1f %%), %+.0f/s",
			 view->full_in_s, view->entries, view->limit, fill, view->slope);
}

static void decide_helpless(const struct policy_settings *settings,
			    const struct policy_view *view, struct policy_decision *out)
{
	char trigger[POLICY_WHY_MAX / 2];

	describe_trigger(settings, view, trigger, sizeof(trigger));
	out->action = POLICY_HELPLESS;
	out->projected = projected(settings, view);
	if (view->top)
		snprintf(out->why, sizeof(out->why),
			 "%s; most of it is %s (%.0f %%), and no service that may be "
			 "taken out "
			 "would relieve it",
			 trigger, view->top, 100 * view->top_share);
	else
		snprintf(out->why, sizeof(out->why),
			 "%s; no service that may be taken out would relieve it",
			 trigger);
}

static void decide_engagement(const struct policy_settings *settings,
			      const struct policy_view *view, struct policy_decision *out)
{
	size_t i = choose(settings, view);
	const struct policy_service *service = &view->services[i];
	char trigger[POLICY_WHY_MAX / 2];

	if (i == view->count) {
		decide_helpless(settings, view, out);
		return;
	}
	describe_trigger(settings, view, trigger, sizeof(trigger));
	out->action = POLICY_ENGAGE;
	out->service = i;
	out->projected =
		fmax(0, projected(settings, view) - relief(settings, view, service));
	snprintf(out->why, sizeof(out->why),
		 "%s; %.0f %% of the entries and %.0f %% of the growth are its; without "
		 "it "
		 "%.0f (%.1f %%) in %gs",
		 trigger,
		 view->entries ? 100 * fmin(1, service->stock / view->entries) : 0,
		 100 * policy_growth_part(view, service), out->projected,
		 percent(view, out->projected), settings->horizon_s);
}

static bool fits(const struct policy_settings *settings, const struct policy_view *view,
		 const struct policy_service *service)
{
	return !policy_triggered(settings, view) &&
	       view->entries + service->returning <= calm_level(settings, view);
}

void policy_note_calm(const struct policy_settings *settings, struct policy_view *view)
{
	for (size_t i = 0; i < view->count; i++) {
		struct policy_service *service = &view->services[i];

		if (!service->engaged || !fits(settings, view, service))
			service->calm_since_ns = 0;
		else if (!service->calm_since_ns)
			service->calm_since_ns = view->now_ns;
	}
}

static double seconds_since(const struct policy_view *view, uint64_t then_ns)
{
	return (double)(view->now_ns - then_ns) / 1e9;
}

static bool may_return(const struct policy_view *view,
		       const struct policy_service *service)
{
	return service->engaged && service->calm_since_ns &&
	       seconds_since(view, service->calm_since_ns) >= service->release_after_s &&
	       seconds_since(view, service->engaged_since_ns) >= service->release_after_s;
}

/* The one that brings least comes back first. */
static void decide_release(const struct policy_settings *settings,
			   const struct policy_view *view, struct policy_decision *out)
{
	const struct policy_service *gentlest = NULL;

	for (size_t i = 0; i < view->count; i++) {
		const struct policy_service *service = &view->services[i];

		if (!may_return(view, service))
			continue;
		if (gentlest && gentlest->returning <= service->returning)
			continue;
		gentlest = service;
		out->service = i;
	}
	if (!gentlest)
		return;
	out->action = POLICY_RELEASE;
	out->projected = view->entries + gentlest->returning;
	snprintf(out->why, sizeof(out->why),
		 "calm for %.1f s: %u of %u entries, and %.0f that would return fit "
		 "under %.0f %%",
		 seconds_since(view, gentlest->calm_since_ns), view->entries, view->limit,
		 gentlest->returning, 100 * settings->release_at);
}

void policy_decide(const struct policy_settings *settings, const struct policy_view *view,
		   struct policy_decision *out)
{
	*out = (struct policy_decision){ .action = POLICY_REST };
	if (view->limit == 0)
		return;
	if (!policy_triggered(settings, view))
		decide_release(settings, view, out);
	else if (view->attributed)
		decide_engagement(settings, view, out);
	else
		out->action = POLICY_ATTRIBUTE;
}

double policy_poll_interval_s(const struct policy_settings *settings,
			      const struct policy_view *view)
{
	double room = fmax(0, mark(settings, view) - view->entries);
	double soonest = fmin(room / FASTEST_FLOOD, view->full_in_s);
	double interval = soonest / LOOKS_BEFORE_MARK;

	return fmin(fmax(interval, POLICY_POLL_MIN_MS / 1e3), POLICY_POLL_MAX_MS / 1e3);
}
