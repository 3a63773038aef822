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

void inventory_open(struct inventory *inventory, const struct config *config,
		    const struct leases *leases, bool rehearse)
{
	*inventory = (struct inventory){
		.config = config,
		.leases = leases,
		.rehearse = rehearse,
	};
	for (size_t i = 0; i < config->count; i++)
		inventory_note_connections(inventory, i, INFINITY);
}

void inventory_note_connections(struct inventory *inventory, size_t i, double connections)
{
	const struct service *service = &inventory->config->services[i].service;

	inventory->connections[i] = service->proto == IPPROTO_TCP ? connections : 0;
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
		      (inventory->config->services[i].service.proto == IPPROTO_TCP &&
		       leases_percent(inventory->leases, i) > 0);
	if (!any || opens_read(&inventory->opens, now_ns))
		inventory->opens = (struct opens){ 0 };
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
	enum opens_way way = service->outbound ? OPENS_OUT : OPENS_IN;

	return service->proto == IPPROTO_TCP ? inventory->opens.per_s[way] : 0;
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
		.connections = inventory->connections[i],
		.percent = leases_percent(leases, i),
		.stock = INFINITY,
		.lives_s = lives_s(service),
	};

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

		service->held = leases_fixed(leases, i);
		service->bounded = leases_bounded(leases, i);
		service->fragile = inventory->fragile[i];
		service->percent = leases_percent(leases, i);
		service->changed_ns = leases_changed_ns(leases, i);
		service->release_after_s = config_release_after_s(inventory->config, i);
		service->connections = inventory->connections[i];
		service->lives_s = lives_s(&inventory->config->services[i].service);
		service->returning = 0;
		if (service->percent && inventory->rehearse)
			service->returning =
				service->stock * service->percent / POLICY_WHOLE;
		else if (service->percent)
			service->returning = returning(inventory, census, i);
	}
}
