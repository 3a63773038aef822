// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rules/damage.h"
#include "rules/ruleset.h"

enum { FIRST_CHANGES = 32 };

static void append(struct plan *plan, struct change change)
{
	if (plan->count == plan->capacity) {
		size_t capacity = plan->capacity ? 2 * plan->capacity : FIRST_CHANGES;
		struct change *changes =
			reallocarray(plan->changes, capacity, sizeof(*changes));

		if (!changes) {
			/* Told in the end, by finish(): who appends need not ask. */
			plan->failed = true;
			return;
		}
		plan->changes = changes;
		plan->capacity = capacity;
	}
	plan->changes[plan->count++] = change;
}

static struct change change_of(enum change_kind kind, enum layout_side side,
			       const struct service *service)
{
	return (struct change){
		.kind = kind,
		.map = layout_map(layout_group(service), side),
		.side = side,
		.service = *service,
	};
}

static void append_side(struct plan *plan, enum change_kind kind, enum layout_side side,
			const struct service *service)
{
	append(plan, change_of(kind, side, service));
}

static void append_lease(struct plan *plan, enum layout_side side,
			 const struct service *service, const struct terms *terms)
{
	struct change change = change_of(CHANGE_ADD_LEASE, side, service);

	change.lease_ms = terms->lease_ms;
	change.holder = terms->holder;
	append(plan, change);
}

static int refuse_foreign(const struct ruleset *ruleset)
{
	if (ruleset->present && (!ruleset->ours || ruleset->owned))
		return -EEXIST;
	return 0;
}

static int finish(struct plan *plan)
{
	if (!plan->failed)
		return 0;
	plan_free(plan);
	return -ENOMEM;
}

/*
 * The maps and base chains that service needs, and the rules that look it up there. lookups
 * are those that are there, or planned already.
 */
static void add_ground(struct plan *plan, const struct service *service,
		       unsigned *lookups)
{
	unsigned missing = layout_lookups_of(layout_group(service)) & ~*lookups;

	if (!missing)
		return;
	*lookups |= missing;
	for (int side = LAYOUT_IN; side < LAYOUT_SIDES; side++)
		append_side(plan, CHANGE_ADD_MAP, (enum layout_side)side, service);
	for (int hook = 0; hook < LAYOUT_HOOKS; hook++)
		append(plan, (struct change){ .kind = CHANGE_ADD_HOOK,
					      .hook = (enum layout_hook)hook });
	for (unsigned i = 0; i < LAYOUT_LOOKUPS; i++)
		if (missing & 1U << i)
			append(plan, (struct change){ .kind = CHANGE_ADD_LOOKUP,
						      .hook = layout_lookup(i).hook,
						      .map = layout_lookup(i).map,
						      .lookup = i });
}

/*
 * A chain that does not say just that is written anew; what its counters had counted when they
 * were read goes to the first rule.
 */
static void add_chain(struct plan *plan, enum layout_side side,
		      const struct service *service, const struct extent *extent,
		      const struct ruleset_service *there)
{
	unsigned count = untrack_count(extent, service, side);

	if (there && ruleset_whole(there, side) &&
	    extent_equal(ruleset_extent(there), extent))
		return;
	append_side(plan, CHANGE_ADD_CHAIN, side, service);
	if (there && there->sides[side].rules)
		append_side(plan, CHANGE_FLUSH_CHAIN, side, service);
	for (unsigned i = 0; i < count; i++) {
		struct change change = change_of(CHANGE_ADD_UNTRACK, side, service);

		change.untrack = untrack_rule(extent, service, side, i);
		if (there && i == 0) {
			change.untrack.packets = there->sides[side].packets;
			change.untrack.bytes = there->sides[side].bytes;
		}
		append(plan, change);
	}
}

/*
 * An element that is there is not refreshed by adding it again (before Linux 6.12, and by
 * the timeout alone after), and deleting it fails if it expired this moment: only
 * add + delete + add is right whatever happened.
 */
static void renew_lease(struct plan *plan, enum layout_side side,
			const struct service *service, const struct terms *terms)
{
	append_lease(plan, side, service, terms);
	append_side(plan, CHANGE_DELETE_LEASE, side, service);
	append_lease(plan, side, service, terms);
}

const struct service *plan_rival(const struct ruleset *ruleset,
				 const struct service *service)
{
	for (size_t i = 0; i < ruleset->count; i++) {
		const struct ruleset_service *other = &ruleset->services[i];

		/* A lease that ran out untracks nothing any more. */
		if ((other->sides[LAYOUT_IN].lease || other->sides[LAYOUT_OUT].lease) &&
		    !service_equal(&other->service, service) &&
		    service_overlaps(&other->service, service))
			return &other->service;
	}
	return NULL;
}

static int refuse_add(const struct ruleset *ruleset, const struct service *service,
		      const struct extent *extent)
{
	int err = refuse_foreign(ruleset);

	if (err)
		return err;
	if (layout_unfit(service) || extent_unfit(extent, service))
		return -EOPNOTSUPP;
	if (plan_rival(ruleset, service))
		return -ENOTUNIQ;
	if (!ruleset_find(ruleset, service) && ruleset->count >= RULESET_SERVICES_MAX)
		return -ENOSPC;
	return 0;
}

int plan_add(struct plan *plan, const struct ruleset *ruleset,
	     const struct service *service, const struct terms *terms)
{
	const struct ruleset_service *there = ruleset_find(ruleset, service);
	int err = refuse_add(ruleset, service, &terms->extent);
	struct extent extent = terms->extent;
	unsigned lookups = ruleset->lookups;

	if (err)
		return err;
	/* With the same seed a share that grows keeps the flows it has. */
	if (there && ruleset_extent(there)->kind == EXTENT_SHARE)
		extent.seed = ruleset_extent(there)->seed;
	if (!ruleset->present || ruleset->dormant)
		append(plan, (struct change){ .kind = CHANGE_ADD_TABLE });
	/* What is there under the name of one of ours is in the way. */
	for (int hook = 0; hook < LAYOUT_HOOKS; hook++)
		if (ruleset->misplaced & 1U << hook)
			append(plan, (struct change){ .kind = CHANGE_DELETE_HOOK,
						      .hook = (enum layout_hook)hook });
	add_ground(plan, service, &lookups);
	/* A base chain that somebody deleted is that of the other services too. */
	for (size_t i = 0; i < ruleset->count; i++)
		add_ground(plan, &ruleset->services[i].service, &lookups);
	for (int side = LAYOUT_IN; side < LAYOUT_SIDES; side++)
		add_chain(plan, (enum layout_side)side, service, &extent, there);
	/* Leases come last: an element can only jump to a chain that is there. */
	for (int side = LAYOUT_IN; side < LAYOUT_SIDES; side++) {
		if (there && there->sides[side].lease)
			renew_lease(plan, (enum layout_side)side, service, terms);
		else
			append_lease(plan, (enum layout_side)side, service, terms);
	}
	return finish(plan);
}

int plan_refresh(struct plan *plan, const struct ruleset *ruleset,
		 const struct service *services, size_t count, const struct terms *terms)
{
	int err = refuse_foreign(ruleset);

	if (err)
		return err;
	if (!ruleset->present)
		return -ENOENT;
	for (size_t i = 0; i < count; i++) {
		if (layout_unfit(&services[i])) {
			plan_free(plan);
			return -EOPNOTSUPP;
		}
		renew_lease(plan, LAYOUT_IN, &services[i], terms);
		renew_lease(plan, LAYOUT_OUT, &services[i], terms);
	}
	return finish(plan);
}

/* Added first: it may have expired since it was read. */
static void drop_lease(struct plan *plan, enum layout_side side,
		       const struct service *service, uint64_t lease_ms)
{
	const struct terms terms = { .lease_ms = lease_ms };

	append_lease(plan, side, service, &terms);
	append_side(plan, CHANGE_DELETE_LEASE, side, service);
}

int plan_collect(struct plan *plan, const struct ruleset *ruleset,
		 const struct service *service)
{
	const struct ruleset_service *there = ruleset_find(ruleset, service);
	int err = refuse_foreign(ruleset);

	if (err)
		return err;
	if (!there)
		return -ENOENT;
	for (int side = LAYOUT_IN; side < LAYOUT_SIDES; side++)
		/* A change of the map that leaves nothing behind. */
		if (!there->sides[side].lease && there->sides[side].rules)
			drop_lease(plan, (enum layout_side)side, service, 0);
	return finish(plan);
}

int plan_delete(struct plan *plan, const struct ruleset *ruleset,
		const struct service *service)
{
	const struct ruleset_service *there = ruleset_find(ruleset, service);
	int err = refuse_foreign(ruleset);

	if (err)
		return err;
	if (!there)
		return -ENOENT;
	if (ruleset->count == 1) {
		append(plan, (struct change){ .kind = CHANGE_DELETE_TABLE });
		return finish(plan);
	}
	for (int side = LAYOUT_IN; side < LAYOUT_SIDES; side++)
		if (there->sides[side].lease)
			drop_lease(plan, (enum layout_side)side, service,
				   there->lease_ms);
	for (int side = LAYOUT_IN; side < LAYOUT_SIDES; side++) {
		if (!there->sides[side].rules)
			continue;
		append_side(plan, CHANGE_FLUSH_CHAIN, (enum layout_side)side, service);
		append_side(plan, CHANGE_DELETE_CHAIN, (enum layout_side)side, service);
	}
	return finish(plan);
}

int plan_flush(struct plan *plan, const struct ruleset *ruleset)
{
	int err = refuse_foreign(ruleset);

	if (err)
		return err;
	if (ruleset->present)
		append(plan, (struct change){ .kind = CHANGE_DELETE_TABLE });
	return finish(plan);
}

static void commit_untrack(const struct change *change, struct ruleset_service *entry)
{
	struct ruleset_side *side = &entry->sides[change->side];
	unsigned index = untrack_index(&change->untrack, &change->service, change->side);

	side->rules++;
	side->ours |= 1U << index;
	side->extent = change->untrack.extent;
	side->packets += change->untrack.packets;
	side->bytes += change->untrack.bytes;
}

/* What one change of a service's objects leaves of them. */
static void commit_part(const struct change *change, struct ruleset_service *entry)
{
	struct ruleset_side *side = &entry->sides[change->side];

	switch (change->kind) {
	case CHANGE_ADD_UNTRACK: commit_untrack(change, entry); break;
	case CHANGE_FLUSH_CHAIN:
		*side = (struct ruleset_side){ .lease = side->lease };
		break;
	case CHANGE_ADD_LEASE:
		side->lease = true;
		entry->leased = change->lease_ms != 0;
		entry->lease_ms = entry->expires_ms = change->lease_ms;
		entry->holder = change->holder;
		break;
	case CHANGE_DELETE_LEASE: side->lease = false; break;
	default: break;
	}
}

static bool is_gone(const struct ruleset_service *entry)
{
	for (int side = LAYOUT_IN; side < LAYOUT_SIDES; side++)
		if (entry->sides[side].rules || entry->sides[side].lease)
			return false;
	return true;
}

static void commit_change(const struct change *change, struct ruleset *ruleset)
{
	struct ruleset_service *entry;

	switch (change->kind) {
	case CHANGE_ADD_TABLE:
		ruleset->present = ruleset->ours = true;
		ruleset->dormant = false;
		return;
	case CHANGE_DELETE_TABLE:
		*ruleset = (struct ruleset){ .generation = ruleset->generation };
		return;
	case CHANGE_ADD_LOOKUP: ruleset->lookups |= 1U << change->lookup; return;
	case CHANGE_DELETE_HOOK: ruleset->misplaced &= ~(1U << change->hook); return;
	case CHANGE_ADD_MAP:
	case CHANGE_ADD_HOOK: return;
	default: break;
	}
	entry = ruleset_entry(ruleset, &change->service);
	if (!entry)
		return;
	commit_part(change, entry);
	if (is_gone(entry))
		/* They are in no order. */
		*entry = ruleset->services[--ruleset->count];
}

void plan_committed(const struct plan *plan, struct ruleset *ruleset)
{
	for (size_t i = 0; i < plan->count; i++)
		commit_change(&plan->changes[i], ruleset);
	damage_assess(ruleset);
	/* As the kernel counts: one a commit, and never 0 (nf_tables_api.c, nf_tables_commit). */
	if (plan->count && ++ruleset->generation == 0)
		ruleset->generation = 1;
}

void plan_free(struct plan *plan)
{
	free(plan->changes);
	*plan = (struct plan){ 0 };
}
