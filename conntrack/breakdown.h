/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_BREAKDOWN_H
#define CONNTRACK_BREAKDOWN_H

#include "conntrack/attribute.h"

struct flow;
struct host;

/* The flows of one sample, added up in every way there is. Pure; zero-initialise before use. */
struct breakdown {
	struct attribute services;
	struct attribute sources;
	struct attribute states;
	struct attribute sockets;
};

/* Forgets all flows: another sample begins. */
void breakdown_clear(struct breakdown *breakdown);

/* Adds a flow, as it is seen from host. */
void breakdown_add(struct breakdown *breakdown, const struct host *host,
		   const struct flow *flow);

/* Sorts all rows, most flows first. Only breakdown_clear() may follow. */
void breakdown_sort(struct breakdown *breakdown);

#endif
