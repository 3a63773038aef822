// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/policy.h"

#include <math.h>
#include <stdio.h>

#include "guard/awaited.h"
#include "guard/blame.h"
#include "guard/giveback.h"
#include "guard/purge.h"
#include "guard/reason.h"
#include "guard/remains.h"

/*
 * New entries a second that one host is assumed to be able to receive: somewhat more than
 * a core was seen to send over loopback (235,000 to 277,000/s). It bounds how
 * long the guard may look away from a table that is at rest.
 */
static const double FASTEST_FLOOD = 300000;

/* Looks at the table that fit into the time it needs to reach the mark. */
static const double LOOKS_BEFORE_MARK = 3;

/* A table that climbs to the mark within the shortest time is looked at half-way, and so on. */
static const double POLL_CLOSE_S = 0.00025;

/* A rise of this part of the limit, and of so many, is no burst of a few clients. */
static const double SURGE_PART = 0.0025;
static const double SURGE_LEAST = 200;

/* From what is given back to what comes next, so that each begins to show. */
static const double APART_S = 1;

/* To see who grows takes some looks. */
static const double WAIT_NEEDS_S = 0.5;

/* Entries at which a service must go. */
static double mark(const struct policy_settings *settings, const struct policy_view *view)
{
	return settings->engage_at * view->limit;
}

double policy_calm_level(const struct policy_settings *settings,
			 const struct policy_view *view)
{
	return settings->release_at * view->limit;
}

double policy_surge_rise(uint32_t limit)
{
	return fmax(SURGE_PART * limit, SURGE_LEAST);
}

bool policy_triggered(const struct policy_settings *settings,
		      const struct policy_view *view)
{
	/* What is being deleted is as good as gone. */
	return blame_staying(view) >= mark(settings, view) ||
	       view->full_in_s <= settings->horizon_s;
}

bool policy_should_wait(const struct policy_settings *settings,
			const struct policy_view *view)
{
	bool known = view->grown_total > 0 && view->grown_in_s <= POLICY_FRESH_S;

	/* A surge is no reason to hurry: until the mark is reached there is time, and who surges is not known. */
	return view->attributed && !known && view->slope > 0 &&
	       view->full_in_s > WAIT_NEEDS_S &&
	       blame_staying(view) < mark(settings, view);
}

/* Whether the raised limit alone is enough. */
static bool raising_helps(const struct policy_settings *settings,
			  const struct policy_view *view)
{
	double seconds = blame_lasting_s(settings);

	return blame_projected(view, seconds) <=
	       settings->release_at * settings->raise_to;
}

/* Whether it is lower than configured, and can be set from here. */
static bool may_raise(const struct policy_settings *settings,
		      const struct policy_view *view)
{
	return view->raisable && settings->raise_to > view->limit;
}

static void decide_raise(const struct policy_settings *settings,
			 const struct policy_view *view, struct policy_decision *out)
{
	out->action = POLICY_RAISE;
	out->projected = blame_projected(view, settings->horizon_s);
	reason_raise(settings, view, out);
}

static void decide_helpless(const struct policy_settings *settings,
			    const struct policy_view *view, struct policy_decision *out)
{
	out->action = POLICY_HELPLESS;
	out->projected = blame_projected(view, settings->horizon_s);
	reason_helpless(settings, view, remains_find(settings, view), out);
}

static void decide_slice(const struct policy_settings *settings,
			 const struct policy_view *view, size_t i,
			 struct policy_decision *out)
{
	const struct policy_service *service = &view->services[i];
	double part;

	out->action = POLICY_ENGAGE;
	out->service = i;
	out->percent = blame_slice(settings, view, service);
	/* blame_relief() is that of all that is tracked of it still. */
	part = (double)(out->percent - service->percent) /
	       (POLICY_WHOLE - service->percent);
	out->projected =
		fmax(0, blame_projected(view, settings->horizon_s) -
				part * blame_relief(view, service, settings->horizon_s));
	reason_engage(settings, view, out);
}

static double seconds_since(const struct policy_view *view, uint64_t then_ns)
{
	return (double)(view->now_ns - then_ns) / 1e9;
}

static void decide_purge(const struct policy_settings *settings,
			 const struct policy_view *view, struct policy_decision *out)
{
	if (view->purging)
		return;
	out->action = POLICY_PURGE;
	out->projected = blame_projected(view, settings->horizon_s);
	reason_purge(settings, view, out);
}

static void decide_engagement(const struct policy_settings *settings,
			      const struct policy_view *view, struct policy_decision *out)
{
	bool raise = may_raise(settings, view);
	size_t i = blame_choose(settings, view);
	char trigger[POLICY_WHY_MAX / 2];

	reason_trigger(settings, view, trigger, sizeof(trigger));
	if (remains_decide(settings, view, trigger, out))
		return;
	if (raise && (i == view->count || raising_helps(settings, view)))
		decide_raise(settings, view, out);
	else if (i < view->count)
		decide_slice(settings, view, i, out);
	else if (purge_due(view))
		decide_purge(settings, view, out);
	/* Else what was done is still taking effect. */
	else if (view->leaving <= 0 && !remains_wait(settings, view))
		decide_helpless(settings, view, out);
}

/* Whether there is some of the service that would fit. */
static bool fits(const struct policy_settings *settings, const struct policy_view *view,
		 const struct policy_service *service)
{
	return service->percent > 0 && !service->held &&
	       !policy_triggered(settings, view) && view->leaving <= 0 &&
	       giveback_percent(settings, view, service) < service->percent;
}

/* Whether the table would be calm with the limit that there was, and no service is out that will return. */
static bool fits_below(const struct policy_settings *settings,
		       const struct policy_view *view)
{
	double lasting = view->entries + fmax(0, view->slope) * settings->horizon_s;

	if (!view->limit_before || !view->raisable || view->leaving > 0)
		return false;
	for (size_t i = 0; i < view->count; i++) {
		if (view->services[i].percent > 0 && !view->services[i].held)
			return false;
	}
	return view->entries <= settings->release_at * view->limit_before &&
	       lasting < settings->engage_at * view->limit_before;
}

void policy_note_calm(const struct policy_settings *settings, struct policy_view *view)
{
	if (!view->deleting && !policy_triggered(settings, view))
		remains_forget(view);
	for (size_t i = 0; i < view->count; i++) {
		struct policy_service *service = &view->services[i];

		if (!fits(settings, view, service))
			service->calm_since_ns = 0;
		else if (!service->calm_since_ns)
			service->calm_since_ns = view->now_ns;
	}
	if (!fits_below(settings, view))
		view->low_since_ns = 0;
	else if (!view->low_since_ns)
		view->low_since_ns = view->now_ns;
}

static bool may_return(const struct policy_view *view,
		       const struct policy_service *service)
{
	/* Calm, and that long since the last slice, too: what that brings must have shown. */
	return service->percent > 0 && service->calm_since_ns &&
	       seconds_since(view, service->calm_since_ns) >= service->release_after_s &&
	       seconds_since(view, service->changed_ns) >= service->release_after_s;
}

/* The one that brings least comes back first. */
static void decide_release(const struct policy_settings *settings,
			   const struct policy_view *view, struct policy_decision *out)
{
	const struct policy_service *gentlest = NULL;

	if (view->given_ns && seconds_since(view, view->given_ns) < APART_S)
		return;
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
	out->percent = giveback_percent(settings, view, gentlest);
	out->projected = awaited_entries(view) +
			 gentlest->returning * (gentlest->percent - out->percent) /
				 gentlest->percent;
	reason_release(settings, view, out);
}

static void decide_lower(const struct policy_settings *settings,
			 const struct policy_view *view, struct policy_decision *out)
{
	if (!view->low_since_ns ||
	    seconds_since(view, view->low_since_ns) < view->lower_after_s)
		return;
	out->action = POLICY_LOWER;
	out->projected = view->entries;
	reason_lower(settings, view, out);
}

/* Who else it is can be asked when that is done: the question waits for a lock that deleting holds. */
static bool is_emptying(const struct policy_settings *settings,
			const struct policy_view *view)
{
	return view->deleting && blame_gains(view) <= 0 &&
	       view->full_in_s > settings->horizon_s;
}

void policy_decide(const struct policy_settings *settings, const struct policy_view *view,
		   struct policy_decision *out)
{
	*out = (struct policy_decision){ .action = POLICY_REST };
	/* Not seen yet; or there is none, as 0 means to the kernel (__nf_conntrack_alloc()). */
	if (view->limit == 0)
		return;
	if (!policy_triggered(settings, view)) {
		decide_release(settings, view, out);
		if (out->action == POLICY_REST)
			decide_lower(settings, view, out);
	} else if (purge_due(view) && !purge_comes_second(settings, view)) {
		decide_purge(settings, view, out);
	} else if (is_emptying(settings, view)) {
		return;
	} else if (!view->attributed) {
		out->action = POLICY_ATTRIBUTE;
	} else if (!policy_should_wait(settings, view)) {
		decide_engagement(settings, view, out);
	}
}

bool policy_decide_by_memory(const struct policy_settings *settings,
			     const struct policy_view *view, double unseen,
			     struct policy_decision *out)
{
	struct policy_decision decision;

	policy_decide(settings, view, &decision);
	if (decision.action != POLICY_ENGAGE ||
	    (blame_gains(view) > 0 && view->grown_total <= 0) ||
	    (unseen > 0 && !blame_is_certain(settings, view, decision.service, unseen)))
		return false;
	*out = decision;
	return true;
}

double policy_poll_interval_s(const struct policy_settings *settings,
			      const struct policy_view *view)
{
	double room = fmax(0, mark(settings, view) - view->entries);
	double soonest = fmin(room / FASTEST_FLOOD, view->full_in_s);
	double interval = soonest / LOOKS_BEFORE_MARK;
	double least = POLICY_POLL_MIN_MS / 1e3;
	/* A flood that has just begun does not show in the slope yet. */
	double climb = fmax(view->slope, view->climb);

	if (room > 0 && climb > 0)
		least = fmin(least, fmax(room / climb / 2, POLL_CLOSE_S));
	return fmin(fmax(interval, least), POLICY_POLL_MAX_MS / 1e3);
}
