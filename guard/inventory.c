// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/inventory.h"

#include <math.h>
#include <netinet/in.h>
#include <stdint.h>

#include "guard/census.h"
#include "guard/config.h"
#include "guard/giveback.h"
#include "guard/lease.h"
#include "guard/pickup.h"
#include "lib/clock.h"

/* By others, or, of an outbound service, by this host. */
static enum opens_way way_of(const struct service *service)
{
	return service->outbound ? OPENS_OUT : OPENS_IN;
}

static bool is_tcp(const struct inventory *inventory, size_t i)
{
	return inventory->config->services[i].service.proto == IPPROTO_TCP;
}

/* Nothing is known of connections, as nobody will need it. */
static void forget_connections(struct inventory *inventory)
{
	inventory->opens = (struct opens){ 0 };
	for (size_t i = 0; i < inventory->config->count; i++) {
		inventory->connections[i] = is_tcp(inventory, i) ? INFINITY : 0;
		inventory->opened[i] = 0;
	}
}

void inventory_open(struct inventory *inventory, const struct config *config,
		    const struct leases *leases, bool rehearse)
{
	*inventory = (struct inventory){
		.config = config,
		.leases = leases,
		.rehearse = rehearse,
	};
	forget_connections(inventory);
}

void inventory_note_connections(struct inventory *inventory, size_t i, double connections)
{
	const struct service *service = &inventory->config->services[i].service;

	inventory->connections[i] = is_tcp(inventory, i) ? connections : 0;
	inventory->opened[i] = inventory->opens.opened[way_of(service)];
	inventory->fragile[i] = pickup_cuts(&inventory->midstream[i]);
}

void inventory_note_midstream(struct inventory *inventory, size_t i,
			      struct midstream midstream)
{
	inventory->midstream[i] = midstream;
	inventory->fragile[i] = pickup_cuts(&midstream);
}

/* Where they cannot be read, open connections explain their packets. */
static void count_opens(struct inventory *inventory, uint64_t now_ns)
{
	bool any = false;

	for (size_t i = 0; i < inventory->config->count; i++)
		any = any ||
		      (is_tcp(inventory, i) && leases_percent(inventory->leases, i) > 0);
	if (!any)
		forget_connections(inventory);
	else
		(void)opens_read(&inventory->opens, now_ns);
}

/* At most so many are open: what was counted, and what has been opened since, of whatever service. */
static double most_connections(const struct inventory *inventory, size_t i)
{
	const struct service *service = &inventory->config->services[i].service;
	uint64_t opened = inventory->opens.opened[way_of(service)];

	/*
	 * Where they could not be read in between, they were reckoned anew from 0
	 * (opens_read()).
	 */
	if (!is_tcp(inventory, i) || opened < inventory->opened[i])
		return inventory->connections[i];
	return inventory->connections[i] + (double)(opened - inventory->opened[i]);
}

static double lives_s(const struct service *service)
{
	return service->proto == IPPROTO_TCP ? GIVEBACK_TCP_LIFETIME_S
					     : GIVEBACK_LIFETIME_S;
}

/* Of UDP none are opened. */
static double opens_per_s(const struct inventory *inventory,
			  const struct service *service)
{
	return service->proto == IPPROTO_TCP ? inventory->opens.per_s[way_of(service)]
					     : 0;
}

/* What would come back if all of service number i did. */
static double returning(const struct inventory *inventory, const struct census *census,
			size_t i)
{
	const struct service *service = &inventory->config->services[i].service;
	const struct leases *leases = inventory->leases;
	uint64_t changed_ns = leases_changed_ns(leases, i);
	struct giveback_signs signs = {
		.packets_per_s = leases_packets_per_s(leases, i),
		.opens_per_s = opens_per_s(inventory, service),
		.connections = most_connections(inventory, i),
		.percent = leases_percent(leases, i),
		.stock = INFINITY,
		.lives_s = lives_s(service),
	};

	/* A census of before the change shows the proportions of then. */
	if (census->sample.taken_ns > changed_ns) {
		signs.stock = census->stock[i];
		signs.tracked_s = clock_between_s(changed_ns, census->sample.taken_ns);
	}
	return giveback_returning(&signs);
}

void inventory_take(struct inventory *inventory, const struct census *census,
		    struct policy_view *view)
{
	const struct leases *leases = inventory->leases;

	count_opens(inventory, view->now_ns);
	for (size_t i = 0; i < inventory->config->count; i++) {
		struct policy_service *service = &view->services[i];

		/*
		 * More may be taken of what somebody holds by a lease. It never seems to come
		 * back, as its packets are not known (leases_packets_per_s()).
		 */
		service->held = leases_fixed(leases, i);
		service->bounded = leases_bounded(leases, i);
		service->fragile = inventory->fragile[i];
		service->percent = leases_percent(leases, i);
		service->changed_ns = leases_changed_ns(leases, i);
		service->release_after_s = config_release_after_s(inventory->config, i);
		service->connections = inventory->connections[i];
		service->lives_s = lives_s(&inventory->config->services[i].service);
		service->returning = 0;
		/* Nothing is really out, so stock is all of it still. */
		if (service->percent && inventory->rehearse)
			service->returning =
				service->stock * service->percent / POLICY_WHOLE;
		else if (service->percent)
			service->returning = returning(inventory, census, i);
	}
}
