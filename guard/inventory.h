/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_INVENTORY_H
#define GUARD_INVENTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guard/opens.h"
#include "guard/policy.h"
#include "rules/midstream.h"

struct census;
struct config;
struct leases;

/* What is out of tracking of each service, and what would come back. The pointers are borrowed. */
struct inventory {
	const struct config *config;
	const struct leases *leases;
	bool rehearse;                           /* nothing is really out */
	double connections[POLICY_SERVICES_MAX]; /* INFINITY: not counted */
	uint64_t opened[POLICY_SERVICES_MAX];    /* until then */
	struct opens opens;                      /* while some of TCP is out */
	struct midstream midstream[POLICY_SERVICES_MAX];
	bool fragile[POLICY_SERVICES_MAX]; /* connections would be cut */
};

/* Nothing is counted yet. */
void inventory_open(struct inventory *inventory, const struct config *config,
		    const struct leases *leases, bool rehearse);

/*
 * So many connections of service number i are open at this host's end; INFINITY if that is
 * not known. Looks, too, whether they would survive being tracked again, in the network namespace of the
 * calling thread.
 */
void inventory_note_connections(struct inventory *inventory, size_t i,
				double connections);

/* What becomes of connections of service number i that are tracked again; UDP has none. */
void inventory_note_midstream(struct inventory *inventory, size_t i,
			      struct midstream midstream);

/*
 * Writes it into view; by the last census, what is tracked of a part tells what the rest would bring. Sees how many
 * connections are opened in the network namespace of the calling thread, while that matters.
 */
void inventory_take(struct inventory *inventory, const struct census *census,
		    struct policy_view *view);

#endif
