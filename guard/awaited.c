// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/awaited.h"

#include <math.h>
#include <stdint.h>

#include "guard/giveback.h"
#include "guard/policy.h"
#include "lib/clock.h"

/* What the tracked part of a service that is out in part still brings, if both parts are alike. */
static double rest_of(const struct policy_service *service)
{
	double tracked = POLICY_WHOLE - service->percent;

	if (!service->percent || service->held || !isfinite(service->returning))
		return 0;
	/*
	 * returning is what percent would bring, so tracked brings in proportion; stock is
	 * there.
	 */
	return fmax(0, service->returning * tracked / service->percent - service->stock);
}

double awaited_entries(const struct policy_view *view)
{
	double entries = view->entries;

	for (size_t i = 0; i < view->count; i++)
		entries += rest_of(&view->services[i]);
	return view->now_ns < view->awaited_until_ns ? fmax(entries, view->awaited)
						     : entries;
}

void awaited_note(struct policy_view *view, size_t i, unsigned percent)
{
	const struct policy_service *service = &view->services[i];
	uint64_t life_ns = (uint64_t)(giveback_lives_s(service) * CLOCK_NS_PER_S);
	uint64_t until_ns = view->now_ns + life_ns;

	if (percent > service->percent) {
		view->awaited_until_ns = 0;
		return;
	}
	/*
	 * Also where nobody knows what it brings: what comes next keeps its distance all the
	 * same.
	 */
	view->given_ns = view->now_ns;
	if (!service->percent || !isfinite(service->returning))
		return;
	/* On top of what was given back before, of which not all need have come. */
	view->awaited = awaited_entries(view) + service->returning *
							(service->percent - percent) /
							service->percent;
	if (until_ns > view->awaited_until_ns)
		view->awaited_until_ns = until_ns;
}
