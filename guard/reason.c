// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/reason.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "guard/awaited.h"
#include "guard/blame.h"
#include "guard/policy.h"
#include "lib/clock.h"

enum { TRIGGER_MAX = POLICY_WHY_MAX / 2, PART_MAX = 64, AWAITED_MAX = 40 };

static double percent(const struct policy_view *view, double entries)
{
	return view->limit ? 100 * entries / view->limit : 0;
}

void reason_trigger(const struct policy_settings *settings,
		    const struct policy_view *view, char *text, size_t size)
{
	double fill = percent(view, view->entries);

	if (view->entries >= settings->engage_at * view->limit)
		snprintf(text, size, "%u of %u entries (%.1f %%), at the mark",
			 view->entries, view->limit, fill);
	else
		snprintf(text, size,
			 "full in %.1f s: %u of %u entries (%.1f %%), %+.0f/s",
			 view->full_in_s, view->entries, view->limit, fill, view->slope);
}

void reason_purge(const struct policy_settings *settings, const struct policy_view *view,
		  struct policy_decision *out)
{
	char trigger[TRIGGER_MAX];

	reason_trigger(settings, view, trigger, sizeof(trigger));
	snprintf(out->why, sizeof(out->why),
		 "%s; some of them may have expired and wait to be collected", trigger);
}

void reason_raise(const struct policy_settings *settings, const struct policy_view *view,
		  struct policy_decision *out)
{
	double more = (double)(settings->raise_to - view->limit) * POLICY_ENTRY_BYTES;
	char trigger[TRIGGER_MAX];

	reason_trigger(settings, view, trigger, sizeof(trigger));
	snprintf(out->why, sizeof(out->why),
		 "%s; the limit may be %u: up to %.0f MiB more memory", trigger,
		 settings->raise_to, more / (1 << 20));
}

/* "27 % of the entries and 52 % of the growth", if there is growth of which it is known whose it is. */
static void tell_part(const struct policy_view *view,
		      const struct policy_service *service, char *text, size_t size)
{
	/* stock is of a sample, which may have been taken of more entries than there are now. */
	double part = view->entries ? 100 * fmin(1, service->stock / view->entries) : 0;

	if (view->grown_total > 0)
		snprintf(text, size, "%.0f %% of the entries and %.0f %% of the growth",
			 part, 100 * blame_growth_part(view, service));
	else
		snprintf(text, size, "%.0f %% of the entries", part);
}

void reason_engage(const struct policy_settings *settings, const struct policy_view *view,
		   struct policy_decision *out)
{
	char trigger[TRIGGER_MAX], part[PART_MAX];

	reason_trigger(settings, view, trigger, sizeof(trigger));
	tell_part(view, &view->services[out->service], part, sizeof(part));
	snprintf(out->why, sizeof(out->why),
		 "%s; %s are its; with %u %% of it out %.0f (%.1f %%) in %gs", trigger,
		 part, out->percent, out->projected, percent(view, out->projected),
		 settings->horizon_s);
}

/* Why the one who has most does not go though it is configured; "" if it is not. */
static const char *tell_refusal(const struct policy_view *view)
{
	for (size_t i = 0; i < view->count; i++) {
		const struct policy_service *service = &view->services[i];

		if (strcmp(service->name, view->top) != 0)
			continue;
		if (service->unsafe)
			return ", which it is not safe to take out";
		if (service->bounded)
			return ", which has a budget";
		if (service->held)
			return ", which a rule of somebody else's keeps out";
		if (service->percent == POLICY_WHOLE)
			return ", which is out already";
	}
	return "";
}

void reason_helpless(const struct policy_settings *settings,
		     const struct policy_view *view, const struct policy_service *rest,
		     struct policy_decision *out)
{
	char trigger[TRIGGER_MAX];

	reason_trigger(settings, view, trigger, sizeof(trigger));
	if (rest)
		snprintf(out->why, sizeof(out->why),
			 "%s; %.0f entries of %s remain though all of it is out of "
			 "tracking, and deleting them did not help",
			 trigger, rest->stock, rest->name);
	else if (view->top)
		snprintf(out->why, sizeof(out->why),
			 "%s; most of it is %s (%.0f %%)%s, and no service that may be "
			 "taken out would relieve it",
			 trigger, view->top, 100 * view->top_share, tell_refusal(view));
	else
		snprintf(out->why, sizeof(out->why),
			 "%s; no service that may be taken out would relieve it",
			 trigger);
}

void reason_release(const struct policy_settings *settings,
		    const struct policy_view *view, struct policy_decision *out)
{
	const struct policy_service *service = &view->services[out->service];
	/* out->projected is what this step brings on top of what is awaited (decide_release()). */
	double there = awaited_entries(view), coming = there - view->entries;
	char awaited[AWAITED_MAX] = "";

	/* "May": what was given back may have ended since, and never comes. */
	if (coming >= 1)
		snprintf(awaited, sizeof(awaited), ", %.0f more may be on their way",
			 coming);
	snprintf(out->why, sizeof(out->why),
		 "calm for %.1f s: %u of %u entries%s, and %.0f that would return fit "
		 "under %.0f %%",
		 clock_between_s(service->calm_since_ns, view->now_ns), view->entries,
		 view->limit, awaited, out->projected - there,
		 100 * settings->release_at);
}

void reason_lower(const struct policy_settings *settings, const struct policy_view *view,
		  struct policy_decision *out)
{
	snprintf(out->why, sizeof(out->why),
		 "calm for %.1f s: %u of %u entries are under %.0f %% of %u, which the "
		 "limit was before the guard raised it",
		 clock_between_s(view->low_since_ns, view->now_ns), view->entries,
		 view->limit, 100 * settings->release_at, view->limit_before);
}
