// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/census.h"

#include <string.h>

#include "conntrack/flow.h"
#include "conntrack/sample.h"
#include "guard/config.h"

/* What is added up while a sample is read. */
struct tally {
	const struct config *config;
	uint32_t flows[POLICY_SERVICES_MAX];
};

static void count_flow(const struct flow *flow, void *data)
{
	struct tally *tally = data;

	for (size_t i = 0; i < tally->config->count; i++) {
		if (flow_of_service(flow, &tally->config->services[i].service)) {
			tally->flows[i]++;
			return;
		}
	}
}

int census_take(struct nl *nl, const struct config *config, uint64_t now_ns,
		uint32_t entries, struct census *out)
{
	struct census census = { .taken_ns = now_ns, .entries = entries };
	struct tally tally = { .config = config };
	struct sample sample;
	int err = sample_take(nl, CENSUS_FLOWS, count_flow, &tally, &sample);

	if (err)
		return err;
	census.flows = sample.flows;
	for (size_t i = 0; i < config->count; i++) {
		if (sample.complete)
			census.stock[i] = tally.flows[i];
		else if (sample.flows)
			census.stock[i] = (double)entries * tally.flows[i] / sample.flows;
	}
	*out = census;
	return 0;
}

void census_apply(const struct census *now, const struct census *baseline,
		  struct policy_view *view)
{
	bool grew = baseline->taken_ns && now->entries > baseline->entries;

	view->attributed = true;
	view->grown_total = grew ? now->entries - baseline->entries : 0;
	for (size_t i = 0; i < view->count; i++) {
		view->services[i].stock = now->stock[i];
		view->services[i].grown = grew ? now->stock[i] - baseline->stock[i] : 0;
	}
	view->top = now->top[0] ? now->top : NULL;
	view->top_share = now->top_share;
}
