// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/element.h"

#include <errno.h>
#include <libnftnl/set.h>
#include <libnftnl/udata.h>

#include "rules/comment.h"
#include "rules/layout.h"
#include "rules/ruleset.h"

static void note_times(struct nftnl_set_elem *elem, struct ruleset_service *entry)
{
	uint64_t lease = 0, left = 0;

	if (nftnl_set_elem_is_set(elem, NFTNL_SET_ELEM_TIMEOUT))
		lease = nftnl_set_elem_get_u64(elem, NFTNL_SET_ELEM_TIMEOUT);
	if (nftnl_set_elem_is_set(elem, NFTNL_SET_ELEM_EXPIRATION))
		left = nftnl_set_elem_get_u64(elem, NFTNL_SET_ELEM_EXPIRATION);
	if (!lease)
		return;
	/* Of its two elements the one that goes first ends the lease. */
	if (!entry->leased || left < entry->expires_ms) {
		entry->expires_ms = left;
		entry->lease_ms = lease;
	}
	entry->leased = true;
}

static void note_holder(struct nftnl_set_elem *elem, struct ruleset_service *entry)
{
	uint32_t bytes = 0;
	const uint8_t *data = nftnl_set_elem_get(elem, NFTNL_SET_ELEM_USERDATA, &bytes);
	size_t length = 0;
	const char *comment =
		data ? comment_find(data, bytes, NFTNL_UDATA_SET_ELEM_COMMENT, &length)
		     : NULL;

	entry->holder = (struct holder){ 0 };
	if (comment && length)
		/* Without its zero byte. */
		entry->holder = holder_parse(comment, length - 1);
}

/* The service that the element of map is for. */
static bool parse_elem(struct nftnl_set_elem *elem, unsigned map, struct service *service)
{
	uint32_t bytes = 0, end_bytes = 0;
	const void *key = nftnl_set_elem_get(elem, NFTNL_SET_ELEM_KEY, &bytes);
	const void *end = key;

	if (layout_map_ranged(map)) {
		end = nftnl_set_elem_get(elem, NFTNL_SET_ELEM_KEY_END, &end_bytes);
		if (end_bytes != bytes)
			return false;
	}
	return key && end && layout_parse_key(map, key, end, bytes, service);
}

int element_note(struct nftnl_set_elem *elem, unsigned map, struct ruleset *ruleset)
{
	enum layout_side side = layout_map_side(map), chain_side;
	const char *chain = nftnl_set_elem_get_str(elem, NFTNL_SET_ELEM_CHAIN);
	struct service service, chain_service;
	struct ruleset_service *entry;

	if (!chain || !parse_elem(elem, map, &service))
		return 0;
	/* An element that leads elsewhere is somebody else's, and no lease. */
	if (!layout_parse_chain(chain, &chain_side, &chain_service) ||
	    chain_side != side || !service_equal(&service, &chain_service))
		return 0;
	entry = ruleset_entry(ruleset, &service);
	if (!entry)
		return -E2BIG;
	entry->sides[side].lease = true;
	note_times(elem, entry);
	note_holder(elem, entry);
	return 0;
}
