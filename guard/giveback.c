// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/giveback.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include "guard/policy.h"

/* What brings no more than this share of the limit needs no slices. */
static const double LITTLE = 0.05;

/* Slices, in percent of the service's flows; the last is a probe and must be little. */
static const unsigned SLICES[] = { 30, 10, 1 };
enum { SLICE_COUNT = sizeof(SLICES) / sizeof(SLICES[0]), PROBE = 1 };

/* A part that has been tracked for less than this shows nothing yet. */
static const double SHOWS_AFTER_S = 2;

/* An open connection may send this much, so that its packets start no flows. */
static const double PACKETS_OF_CONNECTION_PER_S = 100;

static double returning(const struct giveback_signs *signs)
{
	double explained = fmin(signs->packets_per_s,
				signs->connections * PACKETS_OF_CONNECTION_PER_S);
	double flows = (signs->packets_per_s - explained) * GIVEBACK_LIFETIME_S;
	double age_s = fmin(signs->tracked_s, GIVEBACK_LIFETIME_S);
	bool shown = signs->percent < 100 && age_s >= SHOWS_AFTER_S;

	/* Younger entries than one lifetime are not yet all that there will be. */
	if (shown)
		flows = fmin(flows, signs->stock * GIVEBACK_LIFETIME_S / age_s *
					    signs->percent / (100 - signs->percent));
	return fmax(flows, signs->connections * signs->percent / 100);
}

double giveback_returning(const struct giveback_signs *signs)
{
	if (isinf(signs->packets_per_s) || isinf(signs->connections))
		return INFINITY;
	return returning(signs);
}

static bool fits(const struct policy_settings *settings, const struct policy_view *view,
		 double brings)
{
	double slope = fmax(0, view->slope) + brings / GIVEBACK_LIFETIME_S;

	return view->entries + brings <= policy_calm_level(settings, view) &&
	       view->entries + slope * settings->horizon_s < view->limit;
}

bool giveback_cuts_nothing(const struct policy_service *service)
{
	return !service->fragile || service->connections <= 0;
}

unsigned giveback_percent(const struct policy_settings *settings,
			  const struct policy_view *view,
			  const struct policy_service *service)
{
	double little = LITTLE * view->limit;

	/* They would never be gone if slices of them came back to die. */
	if (!isfinite(service->returning) || !giveback_cuts_nothing(service))
		return service->percent;
	if (service->returning <= little && fits(settings, view, service->returning))
		return 0;
	for (size_t i = 0; i < SLICE_COUNT; i++) {
		unsigned slice =
			SLICES[i] < service->percent ? SLICES[i] : service->percent;
		double brings = service->returning * slice / service->percent;

		if ((slice > PROBE || brings <= little) && fits(settings, view, brings))
			return service->percent - slice;
	}
	return service->percent;
}
