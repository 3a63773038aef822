// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/breakdown.h"

void breakdown_clear(struct breakdown *breakdown)
{
	attribute_clear(&breakdown->services);
	attribute_clear(&breakdown->sources);
	attribute_clear(&breakdown->states);
	attribute_clear(&breakdown->sockets);
}

void breakdown_add(struct breakdown *breakdown, const struct host *host,
		   const struct flow *flow)
{
	struct attribute_keys keys;

	/* Once for all four: they share what is found out about its two ends. */
	attribute_keys(host, flow, &keys);
	attribute_add(&breakdown->services, keys.has_service ? &keys.service : NULL,
		      keys.inode, flow);
	attribute_add(&breakdown->sources, &keys.source, 0, flow);
	attribute_add(&breakdown->states, &keys.state, 0, flow);
	attribute_add(&breakdown->sockets, &keys.socket, 0, flow);
}

void breakdown_sort(struct breakdown *breakdown)
{
	attribute_sort(&breakdown->services);
	attribute_sort(&breakdown->sources);
	attribute_sort(&breakdown->states);
	attribute_sort(&breakdown->sockets);
}
