/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_CENSUS_H
#define GUARD_CENSUS_H

#include <stdbool.h>
#include <stdint.h>

#include "conntrack/attribute_name.h"
#include "guard/growth.h"
#include "guard/policy.h"

struct addresses;
struct config;
struct nl;

/* Who was in the table at one moment, by the services that the guard may act on. */
struct census {
	struct growth_sample sample;
	double stock[POLICY_SERVICES_MAX]; /* entries of each configured service */
};

/*
 * Samples the table, which counts entries at now_ns. A service has the flows to its port at the
 * local addresses: only those would be relieved. Returns 0 or -errno, *out then unchanged.
 */
int census_take(struct nl *nl, const struct config *config, const struct addresses *local,
		uint64_t now_ns, uint32_t entries, struct census *out);

/* Writes stock into view. */
void census_apply(const struct census *census, struct policy_view *view);

/* A name, and that it is of others, who have it forwarded. */
enum { CENSUS_NAME_MAX = ATTRIBUTE_NAME_MAX + 10 };

/* Whoever has most of the table, allowed or not. */
struct census_top {
	char name[CENSUS_NAME_MAX]; /* "" if nobody */
	double share;               /* of a sample */
};

/*
 * Finds it with another sample and a look at this host's sockets: for a message, not for each look.
 * Returns 0 or -errno, *out then unchanged.
 */
int census_find_top(struct nl *nl, struct census_top *out);

#endif
