// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rules/ruleset.h"

enum { FIRST_CHANGES = 32 };

static void append(struct plan *plan, struct change change)
{
	if (plan->count == plan->capacity) {
		size_t capacity = plan->capacity ? 2 * plan->capacity : FIRST_CHANGES;
		struct change *changes =
			reallocarray(plan->changes, capacity, sizeof(*changes));

		if (!changes) {
			plan->failed = true;
			return;
		}
		plan->changes = changes;
		plan->capacity = capacity;
	}
	plan->changes[plan->count++] = change;
}

static void append_side(struct plan *plan, enum change_kind kind, enum layout_side side,
			const struct service *service, uint64_t lease_ms)
{
	append(plan, (struct change){
			     .kind = kind,
			     .map = layout_map_of(side, service),
			     .side = side,
			     .service = *service,
			     .lease_ms = lease_ms,
		     });
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

/* The maps and base chains that service needs, and the rules that look it up there. */
static void add_ground(struct plan *plan, const struct ruleset *ruleset, uint8_t family)
{
	unsigned missing = 0;

	for (unsigned i = 0; i < LAYOUT_LOOKUPS; i++)
		if (layout_map_family(layout_lookup(i)->map) == family)
			missing |= 1U << i;
	missing &= ~ruleset->lookups;
	if (!missing)
		return;
	for (int map = 0; map < LAYOUT_MAPS; map++)
		if (layout_map_family((enum layout_map)map) == family)
			append(plan, (struct change){ .kind = CHANGE_ADD_MAP,
						      .map = (enum layout_map)map });
	for (int hook = 0; hook < LAYOUT_HOOKS; hook++)
		append(plan, (struct change){ .kind = CHANGE_ADD_HOOK,
					      .hook = (enum layout_hook)hook });
	for (unsigned i = 0; i < LAYOUT_LOOKUPS; i++)
		if (missing & 1U << i)
			append(plan, (struct change){ .kind = CHANGE_ADD_LOOKUP,
						      .hook = layout_lookup(i)->hook,
						      .map = layout_lookup(i)->map,
						      .lookup = i });
}

/* A chain that has anything but our rule is written anew. */
static void add_chain(struct plan *plan, enum layout_side side,
		      const struct service *service, unsigned parts)
{
	bool strange = parts & RULESET_STRANGE_OF[side];

	if (parts & RULESET_CHAIN_OF[side] && !strange)
		return;
	append_side(plan, CHANGE_ADD_CHAIN, side, service, 0);
	if (strange)
		append_side(plan, CHANGE_FLUSH_CHAIN, side, service, 0);
	append_side(plan, CHANGE_ADD_NOTRACK, side, service, 0);
}

/*
 * An element that is there is not refreshed by adding it again (before Linux 6.12, and by
 * the timeout alone after), and deleting it fails if it expired this moment: only
 * add + delete + add is right whatever happened.
 */
static void renew_lease(struct plan *plan, enum layout_side side,
			const struct service *service, uint64_t lease_ms)
{
	append_side(plan, CHANGE_ADD_LEASE, side, service, lease_ms);
	append_side(plan, CHANGE_DELETE_LEASE, side, service, 0);
	append_side(plan, CHANGE_ADD_LEASE, side, service, lease_ms);
}

int plan_add(struct plan *plan, const struct ruleset *ruleset,
	     const struct service *service, uint64_t lease_ms)
{
	const struct ruleset_service *there = ruleset_find(ruleset, service);
	unsigned parts = there ? there->parts : 0;
	int err = refuse_foreign(ruleset);

	if (err)
		return err;
	if (layout_unfit(service))
		return -EOPNOTSUPP;
	if (!there && ruleset->count >= RULESET_SERVICES_MAX)
		return -ENOSPC;
	if (!ruleset->present || ruleset->dormant)
		append(plan, (struct change){ .kind = CHANGE_ADD_TABLE });
	add_ground(plan, ruleset, service->family);
	for (int side = LAYOUT_IN; side < LAYOUT_SIDES; side++)
		add_chain(plan, (enum layout_side)side, service, parts);
	for (int side = LAYOUT_IN; side < LAYOUT_SIDES; side++) {
		if (parts & RULESET_LEASE_OF[side])
			renew_lease(plan, (enum layout_side)side, service, lease_ms);
		else
			append_side(plan, CHANGE_ADD_LEASE, (enum layout_side)side,
				    service, lease_ms);
	}
	return finish(plan);
}

int plan_refresh(struct plan *plan, const struct ruleset *ruleset,
		 const struct service *services, size_t count, uint64_t lease_ms)
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
		renew_lease(plan, LAYOUT_IN, &services[i], lease_ms);
		renew_lease(plan, LAYOUT_OUT, &services[i], lease_ms);
	}
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
	for (int s = LAYOUT_IN; s < LAYOUT_SIDES; s++) {
		enum layout_side side = (enum layout_side)s;

		if (!(there->parts & RULESET_LEASE_OF[side]))
			continue;
		/* Added first: it may have expired since it was read. */
		append_side(plan, CHANGE_ADD_LEASE, side, service, there->lease_ms);
		append_side(plan, CHANGE_DELETE_LEASE, side, service, 0);
	}
	for (int s = LAYOUT_IN; s < LAYOUT_SIDES; s++) {
		enum layout_side side = (enum layout_side)s;

		if (!(there->parts & (RULESET_CHAIN_OF[side] | RULESET_STRANGE_OF[side])))
			continue;
		append_side(plan, CHANGE_FLUSH_CHAIN, side, service, 0);
		append_side(plan, CHANGE_DELETE_CHAIN, side, service, 0);
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

/* What one change of a service's objects leaves of them. */
static void commit_part(const struct change *change, struct ruleset_service *entry)
{
	enum layout_side side = change->side;
	unsigned *rules = side == LAYOUT_IN ? &entry->in_rules : &entry->out_rules;

	switch (change->kind) {
	case CHANGE_ADD_NOTRACK:
		++*rules;
		entry->parts |= RULESET_CHAIN_OF[side];
		break;
	case CHANGE_FLUSH_CHAIN:
		*rules = 0;
		entry->parts &= ~(RULESET_CHAIN_OF[side] | RULESET_STRANGE_OF[side]);
		break;
	case CHANGE_ADD_LEASE:
		entry->parts |= RULESET_LEASE_OF[side];
		entry->leased = change->lease_ms != 0;
		entry->lease_ms = entry->expires_ms = change->lease_ms;
		break;
	case CHANGE_DELETE_LEASE: entry->parts &= ~RULESET_LEASE_OF[side]; break;
	default: break;
	}
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
	case CHANGE_ADD_MAP:
	case CHANGE_ADD_HOOK: return;
	default: break;
	}
	entry = ruleset_entry(ruleset, &change->service);
	if (!entry)
		return;
	commit_part(change, entry);
	if (!entry->parts)
		*entry = ruleset->services[--ruleset->count];
}

void plan_committed(const struct plan *plan, struct ruleset *ruleset)
{
	for (size_t i = 0; i < plan->count; i++)
		commit_change(&plan->changes[i], ruleset);
	for (size_t i = 0; i < ruleset->count; i++)
		ruleset->services[i].active =
			ruleset_untracks(ruleset, &ruleset->services[i]);
	/* As the kernel counts: one a commit, and never 0 (nf_tables_api.c, nf_tables_commit). */
	if (plan->count && ++ruleset->generation == 0)
		ruleset->generation = 1;
}

void plan_free(struct plan *plan)
{
	free(plan->changes);
	*plan = (struct plan){ 0 };
}
