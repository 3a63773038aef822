// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/script.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/socket.h>

#include "lib/text.h"
#include "rules/layout.h"
#include "rules/plan.h"
#include "rules/ruleset.h"

struct unit {
	const char *name;
	uint64_t ms;
};

/* nft wants the largest units first, each at most once (its scanner, timestring). */
static const struct unit UNITS[] = {
	{ "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 },
};

/* What nft calls the parts of a key. */
static const char *address_type(unsigned map)
{
	switch (layout_map_family(map)) {
	case AF_INET: return " . ipv4_addr";
	case AF_INET6: return " . ipv6_addr";
	default: return "";
	}
}

/* That keys of ranges are concatenations (NFT_SET_CONCAT) nft sees by itself */
static void add_map(unsigned map, struct text *text)
{
	text_add(text,
		 "add map inet %s %s { type inet_proto%s . inet_service : verdict; "
		 "flags %stimeout; }",
		 RULESET_TABLE, layout_map_name(map), address_type(map),
		 layout_map_ranged(map) ? "interval, " : "");
}

static void add_hook(enum layout_hook hook, struct text *text)
{
	const char *name = layout_hook_name(hook);

	text_add(text,
		 "add chain inet %s %s { type filter hook %s priority raw; "
		 "policy accept; }",
		 RULESET_TABLE, name, name);
}

static void add_end(const char *address, enum layout_end end, struct text *text)
{
	if (end != LAYOUT_ANY)
		text_add(text, "fib %s type %slocal ", address,
			 end == LAYOUT_REMOTE ? "!= " : "");
}

static void add_lookup(const struct layout_lookup *lookup, struct text *text)
{
	uint8_t family = layout_map_family(lookup->map);
	char side = lookup->source ? 's' : 'd';

	text_add(text, "add rule inet %s %s ", RULESET_TABLE,
		 layout_hook_name(lookup->hook));
	add_end("saddr", lookup->from, text);
	add_end("daddr", lookup->to, text);
	text_add(text, "meta l4proto . ");
	if (family != AF_UNSPEC)
		text_add(text, "%s %caddr . ", family == AF_INET ? "ip" : "ip6", side);
	text_add(text, "th %cport vmap @%s", side, layout_map_name(lookup->map));
}

static void chain_statement(const char *verb, const struct change *change,
			    struct text *text)
{
	char name[LAYOUT_NAME_MAX];

	layout_chain_name(change->side, &change->service, name);
	text_add(text, "%s inet %s %s", verb, RULESET_TABLE, name);
}

/* Of a client's address and port. */
static void add_share(const struct untrack *untrack, struct text *text)
{
	bool v4 = untrack->family == AF_INET;
	char side = untrack->by_source ? 's' : 'd';

	text_add(text,
		 "meta nfproto %s jhash %s %caddr . th %cport mod 100 seed 0x%" PRIx32
		 " < %u ",
		 v4 ? "ipv4" : "ipv6", v4 ? "ip" : "ip6", side, side,
		 untrack->extent.seed, untrack->extent.percent);
}

static void untrack_statement(const struct change *change, struct text *text)
{
	const struct untrack *untrack = &change->untrack;
	uint32_t rate = untrack->extent.packets_per_s;

	chain_statement("add rule", change, text);
	text_add(text, " ");
	add_end("saddr", untrack->from_here ? LAYOUT_LOCAL : LAYOUT_ANY, text);
	switch (untrack->extent.kind) {
	case EXTENT_SHARE: add_share(untrack, text); break;
	case EXTENT_BUDGET:
		text_add(text,
			 "limit rate over %" PRIu32 "/second burst %" PRIu32 " packets ",
			 rate, rate);
		break;
	case EXTENT_ALL: break;
	}
	text_add(text, "counter");
	if (untrack->packets || untrack->bytes)
		text_add(text, " packets %" PRIu64 " bytes %" PRIu64, untrack->packets,
			 untrack->bytes);
	text_add(text, " notrack");
}

static void add_duration(uint64_t ms, struct text *text)
{
	for (size_t i = 0; i < sizeof(UNITS) / sizeof(UNITS[0]); i++) {
		if (ms >= UNITS[i].ms)
			text_add(text, "%" PRIu64 "%s", ms / UNITS[i].ms, UNITS[i].name);
		ms %= UNITS[i].ms;
	}
}

static void add_key(const struct service *service, struct text *text)
{
	char address[INET6_ADDRSTRLEN];

	text_add(text, "%s . ", service_proto_name(service->proto));
	if (service->family != AF_UNSPEC) {
		inet_ntop(service->family, &service->addr, address, sizeof(address));
		text_add(text, "%s . ", address);
	}
	text_add(text, "%u", service->first_port);
	if (service->last_port != service->first_port)
		text_add(text, "-%u", service->last_port);
}

static void lease_statement(const char *verb, const struct change *change,
			    struct text *text)
{
	char name[LAYOUT_NAME_MAX], holder[HOLDER_TEXT_MAX];

	text_add(text, "%s element inet %s %s { ", verb, RULESET_TABLE,
		 layout_map_name(change->map));
	add_key(&change->service, text);
	if (change->lease_ms) {
		text_add(text, " timeout ");
		add_duration(change->lease_ms, text);
	}
	holder_format(&change->holder, holder);
	if (holder[0])
		text_add(text, " comment \"%s\"", holder);
	layout_chain_name(change->side, &change->service, name);
	text_add(text, " : jump %s }", name);
}

void script_statement(const struct change *change, struct text *text)
{
	const struct layout_lookup lookup = layout_lookup(change->lookup);

	switch (change->kind) {
	case CHANGE_ADD_TABLE:
		text_add(text, "add table inet %s { comment \"%s\"; }", RULESET_TABLE,
			 LAYOUT_TAG);
		break;
	case CHANGE_DELETE_TABLE:
		text_add(text, "delete table inet %s", RULESET_TABLE);
		break;
	case CHANGE_ADD_MAP: add_map(change->map, text); break;
	case CHANGE_ADD_HOOK: add_hook(change->hook, text); break;
	case CHANGE_DELETE_HOOK:
		text_add(text, "delete chain inet %s %s", RULESET_TABLE,
			 layout_hook_name(change->hook));
		break;
	case CHANGE_ADD_LOOKUP: add_lookup(&lookup, text); break;
	case CHANGE_ADD_CHAIN: chain_statement("add chain", change, text); break;
	case CHANGE_FLUSH_CHAIN: chain_statement("flush chain", change, text); break;
	case CHANGE_DELETE_CHAIN: chain_statement("delete chain", change, text); break;
	case CHANGE_ADD_UNTRACK: untrack_statement(change, text); break;
	case CHANGE_ADD_LEASE: lease_statement("add", change, text); break;
	case CHANGE_DELETE_LEASE: lease_statement("delete", change, text); break;
	}
}

void script_render(const struct plan *plan, struct text *text)
{
	for (size_t i = 0; i < plan->count; i++) {
		script_statement(&plan->changes[i], text);
		text_add(text, "\n");
	}
}
