// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/giveback.h"

#include <math.h>
#include <stdbool.h>

#include "guard/awaited.h"
#include "guard/policy.h"

/* What brings no more than this share of the limit needs no slices. */
static const double LITTLE = 0.05;

/* The largest slice and the smallest, a probe, in percent of the service's flows. */
enum { SLICE = 30, PROBE = 1 };

/* Open connections come back with their next packet: of busy ones that is not long. */
static const double NEXT_PACKET_S = 1;

/* A part that has been tracked for less than this shows nothing yet. */
static const double SHOWS_AFTER_S = 2;

/* An open connection may send this much, so that its packets start no flows. */
static const double PACKETS_OF_CONNECTION_PER_S = 100;

double giveback_lives_s(const struct policy_service *service)
{
	return service->lives_s > 0 ? service->lives_s : GIVEBACK_LIFETIME_S;
}

/* Packets a second that may begin a flow. */
static double beginnings(const struct giveback_signs *signs)
{
	double explained = fmin(signs->packets_per_s,
				signs->connections * PACKETS_OF_CONNECTION_PER_S);
	double opened = signs->opens_per_s * signs->percent / POLICY_WHOLE;

	return fmax(signs->packets_per_s - explained, fmin(signs->packets_per_s, opened));
}

static double returning(const struct giveback_signs *signs)
{
	double flows = beginnings(signs) * signs->lives_s;
	double age_s = fmin(signs->tracked_s, signs->lives_s);
	bool shown = signs->percent < 100 && age_s >= SHOWS_AFTER_S;

	/* Younger entries than one lifetime are not yet all that there will be. */
	if (shown)
		flows = fmin(flows, signs->stock * signs->lives_s / age_s *
					    signs->percent / (100 - signs->percent));
	return fmax(flows, signs->connections * signs->percent / POLICY_WHOLE);
}

double giveback_returning(const struct giveback_signs *signs)
{
	if (isinf(signs->packets_per_s) || isinf(signs->connections))
		return INFINITY;
	return returning(signs);
}

/* Entries that so much of what is out brings. */
static double brought(const struct policy_service *service, unsigned slice)
{
	/* Nobody asks of a service that is not out: percent is not 0. */
	return service->returning * slice / service->percent;
}

/* Whether the table will not look as if it were full within the horizon, while they come. */
static bool looks_calm(const struct policy_settings *settings,
		       const struct policy_view *view,
		       const struct policy_service *service, unsigned slice)
{
	double brings = brought(service, slice);
	double open = fmin(brings, service->connections * slice / POLICY_WHOLE);
	double slope = fmax(0, view->slope) + open / NEXT_PACKET_S +
		       (brings - open) / giveback_lives_s(service);

	return view->entries + slope * settings->horizon_s < view->limit;
}

/* Whether so much fits into the room that there is, and does not come too fast. */
static bool fits(const struct policy_settings *settings, const struct policy_view *view,
		 const struct policy_service *service, unsigned slice, double room)
{
	return brought(service, slice) <= room &&
	       looks_calm(settings, view, service, slice);
}

bool giveback_cuts_nothing(const struct policy_service *service)
{
	return !service->fragile || service->connections <= 0;
}

unsigned giveback_percent(const struct policy_settings *settings,
			  const struct policy_view *view,
			  const struct policy_service *service)
{
	double room = policy_calm_level(settings, view) - awaited_entries(view);
	double little = LITTLE * view->limit;
	unsigned slice = service->percent < SLICE ? service->percent : SLICE;

	/* They would never be gone if slices of them came back to die. */
	if (!isfinite(service->returning) || !giveback_cuts_nothing(service))
		return service->percent;
	if (service->returning <= little &&
	    fits(settings, view, service, service->percent, room))
		return 0;
	while (slice > 0 && !fits(settings, view, service, slice, room))
		slice--;
	if (slice == PROBE && brought(service, PROBE) > little)
		return service->percent;
	return service->percent - slice;
}
