// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/census.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>

#include "conntrack/attribute.h"
#include "conntrack/attribute_name.h"
#include "conntrack/flow.h"
#include "conntrack/host.h"
#include "conntrack/listeners.h"
#include "conntrack/sample.h"
#include "guard/config.h"
#include "lib/nl.h"

/* What is added up while a sample is read. */
struct tally {
	const struct config *config;
	const struct addresses *local;
	struct growth_sample *sample;
	uint32_t flows[POLICY_SERVICES_MAX + 1]; /* the last are nobody's */
};

/* Number of the service that the flow is of; POLICY_SERVICES_MAX: of none that is configured. */
static uint32_t service_of(const struct tally *tally, const struct flow *flow)
{
	/* Services of a configuration do not overlap: no other can have the flow, too. */
	for (uint32_t i = 0; i < tally->config->count; i++) {
		if (flow_of_service(flow, &tally->config->services[i].service,
				    tally->local))
			return i;
	}
	return POLICY_SERVICES_MAX;
}

static void count_flow(const struct flow *flow, void *data)
{
	struct tally *tally = data;
	struct growth_sample *sample = tally->sample;
	uint32_t service = service_of(tally, flow);

	tally->flows[service]++;
	/* sample_take() was asked for GROWTH_FLOWS, and brings no more. */
	sample->flow[sample->flows++] = (struct growth_flow){
		.id = flow->id,
		.service = service,
	};
}

int census_take(struct nl *nl, const struct config *config, const struct addresses *local,
		uint64_t now_ns, uint32_t entries, struct census *out)
{
	struct census census = { .sample = { .taken_ns = now_ns, .entries = entries } };
	struct tally tally = {
		.config = config,
		.local = local,
		.sample = &census.sample,
	};
	/* Of an empty table, which is not sampled, all is known. */
	struct sample sample = { .complete = true };
	int err = 0;

	/* The kernel would search all of its hash table, which all namespaces share, for nothing. */
	if (entries)
		err = sample_take(nl, GROWTH_FLOWS, count_flow, &tally, &sample);
	if (err)
		return err;
	census.sample.complete = sample.complete;
	for (size_t i = 0; i < config->count; i++) {
		if (sample.complete)
			census.stock[i] = tally.flows[i];
		/* Too much by what has expired: that is counted, but in no sample. */
		else if (sample.flows)
			census.stock[i] = (double)entries * tally.flows[i] / sample.flows;
	}
	*out = census;
	return 0;
}

void census_apply(const struct census *census, struct policy_view *view)
{
	view->attributed = true;
	for (size_t i = 0; i < view->count; i++)
		view->services[i].stock = census->stock[i];
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
	char name[ATTRIBUTE_NAME_MAX];
	struct sample sample;
	int err;

	if (!everybody)
		return -ENOMEM;
	read_host(&everybody->host);
	attribute_clear(&everybody->attribute);
	err = sample_take(nl, GROWTH_FLOWS, add_flow, everybody, &sample);
	if (!err) {
		attribute_sort(&everybody->attribute);
		first = &everybody->attribute.rows[0];
		*out = (struct census_top){ 0 };
		if (everybody->attribute.count) {
			/* Whoever has a row has flows, so the sample is not empty. */
			attribute_name(&first->key, name);
			snprintf(out->name, sizeof(out->name), "%s%s",
				 first->key.kind == ATTRIBUTE_FORWARD ? "forwarded " : "",
				 name);
			out->share = (double)first->flows / sample.flows;
		}
	}
	free(everybody);
	return err;
}
