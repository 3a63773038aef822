// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/census.h"

#include <errno.h>
#include <linux/netlink.h>
#include <math.h>
#include <stdlib.h>

#include "conntrack/attribute.h"
#include "conntrack/attribute_name.h"
#include "conntrack/flow.h"
#include "conntrack/host.h"
#include "conntrack/listeners.h"
#include "conntrack/sample.h"
#include "guard/config.h"
#include "lib/clock.h"
#include "lib/nl.h"

/* What is added up while a sample is read. */
struct tally {
	const struct config *config;
	const struct addresses *local;
	uint32_t flows[POLICY_SERVICES_MAX];
};

static void count_flow(const struct flow *flow, void *data)
{
	struct tally *tally = data;

	for (size_t i = 0; i < tally->config->count; i++) {
		if (flow_of_service(flow, &tally->config->services[i].service,
				    tally->local)) {
			tally->flows[i]++;
			return;
		}
	}
}

int census_take(struct nl *nl, const struct config *config, const struct addresses *local,
		uint64_t now_ns, uint32_t entries, struct census *out)
{
	struct census census = { .taken_ns = now_ns, .entries = entries };
	struct tally tally = { .config = config, .local = local };
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

/* A table that has fallen to less than this part has too little left of what it was then. */
static const double HOLDS_FROM = 0.5;

/* Between two samples that are closer chance says more than growth. */
static const double SHOWS_AFTER_S = 0.2;

/* What no service has. */
static double others(const struct census *census, size_t services)
{
	double rest = census->entries;

	for (size_t i = 0; i < services; i++)
		rest -= census->stock[i];
	return rest;
}

void census_apply(const struct census *now, const struct census *baseline,
		  struct policy_view *view)
{
	double net = (double)now->entries - baseline->entries;
	double scale = net < 0 ? (double)now->entries / baseline->entries : 1;
	double gross =
		fmax(0, others(now, view->count) - scale * others(baseline, view->count));

	bool holds = baseline->taken_ns && scale >= HOLDS_FROM &&
		     clock_between_s(baseline->taken_ns, now->taken_ns) >= SHOWS_AFTER_S;

	view->attributed = true;
	for (size_t i = 0; i < view->count; i++) {
		struct policy_service *service = &view->services[i];

		service->stock = now->stock[i];
		service->grown = 0;
		if (holds)
			service->grown = now->stock[i] - scale * baseline->stock[i];
		gross += fmax(0, service->grown);
	}
	view->grown_total = holds ? fmax(net, gross) : 0;
}

/* What is needed to name everybody in a sample; too large for the stack. */
struct everybody {
	struct host host;
	struct attribute attribute;
};

static void add_flow(const struct flow *flow, void *data)
{
	struct everybody *everybody = data;
	struct attribute_key key;
	uint64_t inode;
	bool known = attribute_service(&everybody->host, flow, &key, &inode);

	attribute_add(&everybody->attribute, known ? &key : NULL, inode, flow);
}

/* Without the sockets, services still have their ports for a name. */
static void read_host(struct host *host)
{
	struct nl *diag = NULL, *route = NULL;

	host_clear(host);
	if (nl_open(&diag, NETLINK_SOCK_DIAG) == 0 &&
	    nl_open(&route, NETLINK_ROUTE) == 0) {
		/* What could be read is used. */
		if (listeners_read(diag, route, host))
			host_ready(host);
	}
	nl_close(route);
	nl_close(diag);
}

int census_find_top(struct nl *nl, struct census_top *out)
{
	struct everybody *everybody = calloc(1, sizeof(*everybody));
	const struct attribute_row *first;
	struct sample sample;
	int err;

	if (!everybody)
		return -ENOMEM;
	read_host(&everybody->host);
	attribute_clear(&everybody->attribute);
	err = sample_take(nl, CENSUS_FLOWS, add_flow, everybody, &sample);
	if (!err) {
		attribute_sort(&everybody->attribute);
		first = &everybody->attribute.rows[0];
		*out = (struct census_top){ 0 };
		if (everybody->attribute.count) {
			attribute_name(&first->key, out->name);
			out->share = (double)first->flows / sample.flows;
		}
	}
	free(everybody);
	return err;
}
