/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_RULESET_H
#define RULES_RULESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/service.h"

struct nl;

/* The only table that ctkit ever changes, and how many services it can hold. */
#define RULESET_TABLE "ctkit"
enum { RULESET_SERVICES_MAX = 256 };

/* What of a service is there. */
enum ruleset_part {
	RULESET_IN_CHAIN = 1 << 0, /* a chain with our rule */
	RULESET_OUT_CHAIN = 1 << 1,
	RULESET_IN_STRANGE = 1 << 2, /* a chain with a rule that we did not write */
	RULESET_OUT_STRANGE = 1 << 3,
	RULESET_IN_LEASE = 1 << 4, /* a map element */
	RULESET_OUT_LEASE = 1 << 5,
};

/* The bits of enum ruleset_part by enum layout_side. */
extern const unsigned RULESET_CHAIN_OF[2], RULESET_STRANGE_OF[2], RULESET_LEASE_OF[2];

/* One service that is out of tracking. */
struct ruleset_service {
	struct service service;
	unsigned parts;    /* enum ruleset_part */
	unsigned in_rules; /* how many rules its chains have */
	unsigned out_rules;
	bool leased; /* false: no lease, for ever */
	bool active; /* ruleset_untracks(): a lapsed lease leaves only its chains */
	uint64_t expires_ms; /* what is left of the lease */
	uint64_t lease_ms;   /* the whole of it */
	uint64_t
		in_packets; /* untracked towards the service since its chains were made */
	uint64_t in_bytes;
	uint64_t out_packets; /* and from it */
	uint64_t out_bytes;
};

/* What is in table inet ctkit. */
struct ruleset {
	bool present;        /* there is such a table */
	bool ours;           /* and it carries our tag */
	bool owned;          /* another process keeps it to itself (NFT_TABLE_F_OWNER) */
	bool dormant;        /* its chains are switched off */
	uint32_t generation; /* of the whole ruleset when it was read; 0: never read */
	unsigned lookups;    /* which layout_lookup()s are there, a bit each */
	size_t count;
	struct ruleset_service services[RULESET_SERVICES_MAX];
};

/*
 * Reads our table; starts over, a bounded number of times, if the ruleset's generation
 * changed meanwhile. Of a table that is not ours nothing is read but that. Returns 0 (also
 * when there is no table), -EAGAIN if it kept changing, -E2BIG if the table holds more
 * than RULESET_SERVICES_MAX, -EBADMSG if it holds what libnftnl cannot read,
 * -EPROTONOSUPPORT if the kernel has no nf_tables, -EPERM without CAP_NET_ADMIN, or another
 * -errno. After an error *out is empty, with generation 0.
 */
int ruleset_read(struct nl *nl, struct ruleset *out);

/*
 * Reads only whose table it is and the generation: no services, no lookups. Errors as
 * above.
 */
int ruleset_identify(struct nl *nl, struct ruleset *out);

/* Whether all that it takes to untrack entry's service, both ways, is there and switched on. */
bool ruleset_untracks(const struct ruleset *ruleset, const struct ruleset_service *entry);

/* The entry of service, or NULL. */
const struct ruleset_service *ruleset_find(const struct ruleset *ruleset,
					   const struct service *service);

/* The entry of service, made if it is not there; NULL if there is no place. */
struct ruleset_service *ruleset_entry(struct ruleset *ruleset,
				      const struct service *service);

#endif
