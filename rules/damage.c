// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/damage.h"

#include "lib/text.h"
#include "rules/ruleset.h"

/* Whether packets still get to a rule of its chains, whatever that says now. */
static bool is_reached(const struct ruleset *ruleset, const struct ruleset_service *entry)
{
	unsigned group = layout_group(&entry->service);

	for (unsigned i = 0; i < LAYOUT_LOOKUPS; i++) {
		unsigned map = layout_lookup(i).map;
		const struct ruleset_side *side = &entry->sides[layout_map_side(map)];

		if (ruleset->lookups & 1U << i && layout_map_group(map) == group &&
		    side->lease && side->rules)
			return !ruleset->dormant;
	}
	return false;
}

static enum ruleset_damage damage_of(const struct ruleset *ruleset,
				     const struct ruleset_service *entry)
{
	if (entry->active ||
	    (!entry->sides[LAYOUT_IN].lease && !entry->sides[LAYOUT_OUT].lease))
		return RULESET_SOUND;
	return is_reached(ruleset, entry) ? RULESET_IN_PART : RULESET_UNDONE;
}

void damage_assess(struct ruleset *ruleset)
{
	for (size_t i = 0; i < ruleset->count; i++) {
		struct ruleset_service *entry = &ruleset->services[i];

		entry->active = ruleset_untracks(ruleset, entry);
		entry->damage = damage_of(ruleset, entry);
	}
}

void damage_describe(const struct ruleset *ruleset, struct text *text)
{
	const char *between =
		"rules of table inet ctkit were changed or deleted, or made by an "
		"older version: ";
	char name[SERVICE_TEXT_MAX];

	for (size_t i = 0; i < ruleset->count; i++) {
		const struct ruleset_service *entry = &ruleset->services[i];

		if (entry->damage == RULESET_SOUND)
			continue;
		service_format(&entry->service, name);
		text_add(text, "%sof %s %s is untracked", between, name,
			 entry->damage == RULESET_IN_PART ? "only a part" : "nothing");
		between = ", ";
	}
	if (text_str(text)[0])
		text_add(text, "; \"ctrules add\" puts a service right");
}
