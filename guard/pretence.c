// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/pretence.h"

#include <math.h>
#include <stddef.h>

#include "guard/blame.h"
#include "guard/policy.h"

void pretence_apply(struct policy_view *view)
{
	double stock = 0, growth = 0;

	for (size_t i = 0; i < view->count; i++) {
		const struct policy_service *service = &view->services[i];
		double part = (double)service->percent / POLICY_WHOLE;

		/* That one is really out: what is seen is without it. */
		if (service->held)
			continue;
		stock += part * service->stock;
		growth += part * blame_growth_part(view, service);
	}
	view->entries -= (uint32_t)fmin(view->entries, stock);
	view->slope *= 1 - fmin(1, growth);
	view->surge *= 1 - fmin(1, growth);
	/* To take something away brings nothing nearer. */
	if (isinf(view->full_in_s))
		return;
	view->full_in_s = INFINITY;
	if (view->slope > 0)
		view->full_in_s =
			fmax(0, (double)view->limit - view->entries) / view->slope;
}
