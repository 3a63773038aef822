// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/layout.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/args.h"

/* In the registers of nf_tables each part of a concatenated key starts on four bytes. */
enum { PART_BYTES = 4 };

/* Groups are numbered by kind, then family; a kind is ranged or not, and outbound or not. */
enum { FAMILIES = 3, RANGED = 1, OUTBOUND = 2, KINDS = 4 };

static const uint8_t FAMILY[FAMILIES] = { AF_UNSPEC, AF_INET, AF_INET6 };

/* The look-ups of a group, without its maps. */
struct pattern {
	enum layout_hook hook;
	enum layout_side side;
	bool source;
	enum layout_end from;
	enum layout_end to;
};

enum { LOCAL_PATTERNS = 3, REMOTE_PATTERNS = 2 };

static const struct pattern LOCAL[LOCAL_PATTERNS] = {
	{ LAYOUT_PREROUTING, LAYOUT_IN, .to = LAYOUT_LOCAL },
	{ LAYOUT_OUTPUT, LAYOUT_OUT, .source = true },
	{ LAYOUT_OUTPUT, LAYOUT_IN, .to = LAYOUT_LOCAL },
};

/* Both ends on this host is no remote service: such flows are for the local one's rules. */
static const struct pattern REMOTE[REMOTE_PATTERNS] = {
	{ LAYOUT_OUTPUT, LAYOUT_IN, .to = LAYOUT_REMOTE },
	{ LAYOUT_PREROUTING, LAYOUT_OUT, .source = true, .from = LAYOUT_REMOTE,
	  .to = LAYOUT_LOCAL },
};

enum {
	LOCAL_GROUPS = OUTBOUND * FAMILIES,
	LOCAL_LOOKUPS = LOCAL_GROUPS * LOCAL_PATTERNS,
};
_Static_assert(LAYOUT_GROUPS == KINDS * FAMILIES, "every group has a number");
_Static_assert(LAYOUT_LOOKUPS ==
		       LOCAL_LOOKUPS + (LAYOUT_GROUPS - LOCAL_GROUPS) * REMOTE_PATTERNS,
	       "every look-up has a number");

static const char *const HOOK_NAMES[] = { "prerouting", "output" };

/* Chains begin with these, of local services and of remote ones. */
static const char *const SIDE_NAMES[][LAYOUT_SIDES] = {
	{ "in", "out" },
	{ "to_remote", "from_remote" },
};

static const char *const MAP_NAMES[LAYOUT_MAPS] = {
	"in_services",         "out_services",       "in_services4",
	"out_services4",       "in_services6",       "out_services6",
	"in_ranges",           "out_ranges",         "in_ranges4",
	"out_ranges4",         "in_ranges6",         "out_ranges6",
	"to_remote",           "from_remote",        "to_remote4",
	"from_remote4",        "to_remote6",         "from_remote6",
	"to_remote_ranges",    "from_remote_ranges", "to_remote_ranges4",
	"from_remote_ranges4", "to_remote_ranges6",  "from_remote_ranges6",
};

static unsigned kind_of(unsigned map)
{
	return layout_map_group(map) / FAMILIES;
}

unsigned layout_group(const struct service *service)
{
	unsigned kind = 0, family = 0;

	if (service->first_port != service->last_port)
		kind |= RANGED;
	if (service->outbound)
		kind |= OUTBOUND;
	while (family < FAMILIES - 1 && FAMILY[family] != service->family)
		family++;
	return kind * FAMILIES + family;
}

unsigned layout_map(unsigned group, enum layout_side side)
{
	return group * LAYOUT_SIDES + side;
}

unsigned layout_map_group(unsigned map)
{
	return map / LAYOUT_SIDES;
}

enum layout_side layout_map_side(unsigned map)
{
	return map % LAYOUT_SIDES ? LAYOUT_OUT : LAYOUT_IN;
}

const char *layout_map_name(unsigned map)
{
	return MAP_NAMES[map];
}

bool layout_map_ranged(unsigned map)
{
	return kind_of(map) & RANGED;
}

uint8_t layout_map_family(unsigned map)
{
	return FAMILY[layout_map_group(map) % FAMILIES];
}

const char *layout_hook_name(enum layout_hook hook)
{
	return HOOK_NAMES[hook];
}

uint32_t layout_hook_number(enum layout_hook hook)
{
	return hook == LAYOUT_PREROUTING ? NF_INET_PRE_ROUTING : NF_INET_LOCAL_OUT;
}

/* Of what index counts: those of the local groups first. */
struct layout_lookup layout_lookup(unsigned index)
{
	bool local = index < LOCAL_LOOKUPS;
	unsigned at = local ? index : index - LOCAL_LOOKUPS;
	unsigned patterns = local ? LOCAL_PATTERNS : REMOTE_PATTERNS;
	unsigned group = at / patterns + (local ? 0 : LOCAL_GROUPS);
	const struct pattern *pattern = &(local ? LOCAL : REMOTE)[at % patterns];

	return (struct layout_lookup){
		.hook = pattern->hook,
		.map = layout_map(group, pattern->side),
		.source = pattern->source,
		.from = pattern->from,
		.to = pattern->to,
	};
}

unsigned layout_lookups_of(unsigned group)
{
	unsigned lookups = 0;

	for (unsigned i = 0; i < LAYOUT_LOOKUPS; i++)
		if (layout_map_group(layout_lookup(i).map) == group)
			/* LAYOUT_LOOKUPS fit into 32 bits. */
			lookups |= 1U << i;
	return lookups;
}

static size_t address_bytes(uint8_t family)
{
	if (family == AF_UNSPEC)
		return 0;
	return family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);
}

size_t layout_map_key_bytes(unsigned map)
{
	return PART_BYTES + address_bytes(layout_map_family(map)) + PART_BYTES;
}

/* A name of nft is letters, digits and "/-_." (its scanner): an IPv6 address gets dashes for colons. */
void layout_chain_name(enum layout_side side, const struct service *service,
		       char name[LAYOUT_NAME_MAX])
{
	const char *proto = service_proto_name(service->proto);
	char address[INET6_ADDRSTRLEN + 1] = "", last[8] = "";

	if (service->family != AF_UNSPEC) {
		inet_ntop(service->family, &service->addr, address, INET6_ADDRSTRLEN);
		for (char *c = strchr(address, ':'); c; c = strchr(c, ':'))
			*c = '-';
		address[strlen(address) + 1] = '\0';
		address[strlen(address)] = '_';
	}
	if (service->last_port != service->first_port)
		snprintf(last, sizeof(last), "-%u", service->last_port);
	snprintf(name, LAYOUT_NAME_MAX, "%s_%s_%s%u%s",
		 SIDE_NAMES[service->outbound][side], proto, address, service->first_port,
		 last);
}

/* "192.0.2.1_53" to "192.0.2.1:53", "2001-db8--1_53-60" to "[2001:db8::1]:53-60", "53" stays. */
static void restore_address(const char *name, char *text, size_t bytes)
{
	const char *end = strrchr(name, '_');
	size_t length = end ? (size_t)(end - name) : 0;
	bool v6 = memchr(name, '-', length);

	if (!end) {
		snprintf(text, bytes, "%s", name);
		return;
	}
	snprintf(text, bytes, "%s%.*s%s:%s", v6 ? "[" : "", (int)length, name,
		 v6 ? "]" : "", end + 1);
	for (size_t i = 0; v6 && i < length && i + 1 < bytes; i++)
		if (text[i + 1] == '-')
			text[i + 1] = ':';
}

/* "in_" and the like: returns what comes behind it, or NULL. */
static const char *parse_side(const char *name, enum layout_side *side, bool *outbound)
{
	for (int remote = 0; remote < 2; remote++) {
		for (int s = LAYOUT_IN; s < LAYOUT_SIDES; s++) {
			size_t length = strlen(SIDE_NAMES[remote][s]);

			if (strncmp(name, SIDE_NAMES[remote][s], length) != 0 ||
			    name[length] != '_')
				continue;
			*side = (enum layout_side)s;
			*outbound = remote;
			return name + length + 1;
		}
	}
	return NULL;
}

bool layout_parse_chain(const char *name, enum layout_side *side, struct service *service)
{
	/* In text "out:udp/" comes before the tail. */
	char text[SERVICE_TEXT_MAX], again[LAYOUT_NAME_MAX], tail[SERVICE_TEXT_MAX - 8];
	enum layout_side parsed_side;
	struct service parsed;
	struct args_why why;
	const char *rest;
	bool outbound;

	if (strlen(name) >= LAYOUT_NAME_MAX)
		return false;
	rest = parse_side(name, &parsed_side, &outbound);
	if (!rest || (strncmp(rest, "udp_", 4) != 0 && strncmp(rest, "tcp_", 4) != 0))
		return false;
	restore_address(rest + 4, tail, sizeof(tail));
	snprintf(text, sizeof(text), "%s%.3s/%s", outbound ? "out:" : "", rest, tail);
	if (service_parse(text, &parsed, &why) || layout_unfit(&parsed))
		return false;
	/* Only one name stands for a service: "in_udp_09000" is not ours. */
	layout_chain_name(parsed_side, &parsed, again);
	if (strcmp(again, name) != 0)
		return false;
	*side = parsed_side;
	*service = parsed;
	return true;
}

size_t layout_key(const struct service *service, uint16_t port,
		  uint8_t key[LAYOUT_KEY_MAX])
{
	size_t bytes = address_bytes(service->family);
	uint16_t wire = htons(port);

	/*
	 * What pads a part is zero, as in the registers that the kernel compares it with.
	 */
	memset(key, 0, LAYOUT_KEY_MAX);
	key[0] = service->proto;
	memcpy(key + PART_BYTES, &service->addr, bytes);
	memcpy(key + PART_BYTES + bytes, &wire, sizeof(wire));
	return PART_BYTES + bytes + PART_BYTES;
}

bool layout_parse_key(unsigned map, const void *first, const void *last, size_t bytes,
		      struct service *service)
{
	struct service parsed = {
		.outbound = kind_of(map) & OUTBOUND,
		.family = layout_map_family(map),
	};
	size_t port_at = PART_BYTES + address_bytes(parsed.family);
	const uint8_t *parts = first, *ends = last;
	uint16_t port;

	/* But for their ports both are the same. */
	if (bytes != layout_map_key_bytes(map) || memcmp(first, last, port_at) != 0)
		return false;
	memcpy(&parsed.addr, parts + PART_BYTES, port_at - PART_BYTES);
	parsed.proto = parts[0];
	memcpy(&port, parts + port_at, sizeof(port));
	parsed.first_port = ntohs(port);
	memcpy(&port, ends + port_at, sizeof(port));
	parsed.last_port = ntohs(port);
	if (parsed.proto != IPPROTO_UDP && parsed.proto != IPPROTO_TCP)
		return false;
	if (parsed.first_port == 0 || parsed.first_port > parsed.last_port ||
	    layout_map_ranged(map) != (parsed.first_port != parsed.last_port) ||
	    layout_unfit(&parsed))
		return false;
	*service = parsed;
	return true;
}

static const char *unfit_address(const struct service *service)
{
	const struct in6_addr *v6 = &service->addr.v6;
	uint32_t v4 = ntohl(service->addr.v4.s_addr);

	if (service->family == AF_INET) {
		if (v4 == INADDR_ANY)
			return "0.0.0.0 is in no packet: for every address leave it out";
		return IN_MULTICAST(v4) || v4 == INADDR_BROADCAST
			       ? "only addresses of one host can be taken out"
			       : NULL;
	}
	if (IN6_IS_ADDR_UNSPECIFIED(v6))
		return "[::] is in no packet: for every address leave it out";
	if (IN6_IS_ADDR_V4MAPPED(v6))
		return "an IPv4 address is written without [::ffff:]";
	return IN6_IS_ADDR_MULTICAST(v6) ? "only addresses of one host can be taken out"
					 : NULL;
}

bool layout_is_loopback(const struct service *service)
{
	if (service->family == AF_UNSPEC)
		return false;
	if (service->family == AF_INET)
		return ntohl(service->addr.v4.s_addr) >> 24 == IN_LOOPBACKNET;
	return IN6_IS_ADDR_LOOPBACK(&service->addr.v6);
}

const char *layout_unfit(const struct service *service)
{
	if (service->outbound && layout_is_loopback(service))
		return "flows from this host to itself are those of its own service, "
		       "without out:";
	return service->family == AF_UNSPEC ? NULL : unfit_address(service);
}
