/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_RULESET_H
#define RULES_RULESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/service.h"
#include "rules/layout.h"
#include "rules/terms.h"

struct nl;

/* The only table that ctkit ever changes, and how many services it can hold. */
#define RULESET_TABLE "ctkit"
enum { RULESET_SERVICES_MAX = 256 };

/* What is there of one side of a service: its chain, and its map element. */
struct ruleset_side {
	unsigned rules;       /* that the chain has */
	unsigned ours;        /* those of untrack_rule(), a bit each */
	struct extent extent; /* what they say; of the first, if they do not agree */
	bool lease;           /* the element */
	uint64_t packets;     /* untracked since the chain was made */
	uint64_t bytes;
};

/* What somebody else's change of our table left of a service whose lease is not over. */
enum ruleset_damage {
	RULESET_SOUND,
	RULESET_IN_PART, /* some of its packets are untracked */
	RULESET_UNDONE,  /* none is */
};

/* One service that is out of tracking. */
struct ruleset_service {
	struct service service;
	struct ruleset_side sides[LAYOUT_SIDES];
	bool leased; /* false: no lease, for ever */
	bool active; /* ruleset_untracks(): a lapsed lease leaves only its chains */
	enum ruleset_damage damage; /* when it is not active */
	uint64_t expires_ms;        /* what is left of the lease */
	uint64_t lease_ms;          /* the whole of it */
	struct holder holder;
};

/* What is in table inet ctkit. */
struct ruleset {
	bool present;        /* there is such a table */
	bool ours;           /* and it carries our tag */
	bool owned;          /* another process keeps it to itself (NFT_TABLE_F_OWNER) */
	bool dormant;        /* its chains are switched off */
	uint32_t generation; /* of the whole ruleset when it was read; 0: never read */
	unsigned
		misplaced; /* base chains that are not where ours are, a bit each (enum layout_hook) */
	unsigned
		lookups; /* which layout_lookup()s are there, in their place, a bit each */
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

/*
 * Reads the generation of the whole ruleset, which every change of it moves. Errors as
 * above.
 */
int ruleset_generation(struct nl *nl, uint32_t *out);

/* Whether a table's userdata carries the tag that makes it ours. */
bool ruleset_is_tagged(const void *userdata, size_t bytes);

/* Whether all that it takes to untrack entry's service, both ways, is there and switched on. */
bool ruleset_untracks(const struct ruleset *ruleset, const struct ruleset_service *entry);

/* How much of the service is untracked: what its chain for requests says. */
const struct extent *ruleset_extent(const struct ruleset_service *entry);

/* Whether the chain of a side has all rules that this takes, and no other. */
bool ruleset_whole(const struct ruleset_service *entry, enum layout_side side);

/* The entry of service, or NULL. */
const struct ruleset_service *ruleset_find(const struct ruleset *ruleset,
					   const struct service *service);

/* The entry of service, made if it is not there; NULL if there is no place. */
struct ruleset_service *ruleset_entry(struct ruleset *ruleset,
				      const struct service *service);

#endif
