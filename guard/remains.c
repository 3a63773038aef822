// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/remains.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>

#include "guard/blame.h"
#include "guard/policy.h"
#include "lib/clock.h"

/* They matter if without them there is at least this part of the relief needed. */
static const double MATTER_PART = 0.25;

/* A deletion has this long to show; after so many that did not help it is tried seldom. */
static const double AGAIN_AFTER_S = 1;
static const double SELDOM_S = 30;
enum { TRIES = 3 };

static bool is_due(const struct policy_view *view, const struct policy_service *service)
{
	double pause_s = service->deletions < TRIES ? AGAIN_AFTER_S : SELDOM_S;

	return !service->deletions ||
	       clock_between_s(service->deleted_ns, view->now_ns) >= pause_s;
}

const struct policy_service *remains_find(const struct policy_settings *settings,
					  const struct policy_view *view)
{
	double most = MATTER_PART * blame_relief_needed(settings, view);
	const struct policy_service *found = NULL;

	/* What is being deleted still counts as theirs. */
	for (size_t i = 0; view->leaving <= 0 && i < view->count; i++) {
		const struct policy_service *service = &view->services[i];

		if (service->percent < POLICY_WHOLE || service->held ||
		    service->stock < most)
			continue;
		most = service->stock;
		found = service;
	}
	return found;
}

bool remains_decide(const struct policy_settings *settings,
		    const struct policy_view *view, const char *trigger,
		    struct policy_decision *out)
{
	const struct policy_service *service = remains_find(settings, view);
	double projected = blame_projected(view, settings->horizon_s);

	if (!service || view->deleting || !is_due(view, service))
		return false;
	*out = (struct policy_decision){
		.action = POLICY_DELETE,
		.service = (size_t)(service - view->services),
		.percent = service->percent,
		.projected = fmax(0, projected - service->stock),
	};
	snprintf(out->why, sizeof(out->why),
		 "%s; all of %s is out of tracking, but %.0f entries of it remain",
		 trigger, service->name, service->stock);
	return true;
}

bool remains_wait(const struct policy_settings *settings, const struct policy_view *view)
{
	const struct policy_service *service = remains_find(settings, view);

	return service && (view->deleting || service->deletions < TRIES);
}

void remains_note(struct policy_view *view, const struct policy_decision *decision)
{
	struct policy_service *service = &view->services[decision->service];

	if (decision->action != POLICY_DELETE)
		return;
	service->deleted_ns = view->now_ns;
	service->deletions++;
}

void remains_forget(struct policy_view *view)
{
	for (size_t i = 0; i < view->count; i++)
		view->services[i].deletions = 0;
}
