// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/layout.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/args.h"

/* In the registers of nf_tables each part of a concatenated key starts on four bytes. */
enum { PART_BYTES = 4 };

static const struct layout_lookup LOOKUPS[LAYOUT_LOOKUPS] = {
	{ LAYOUT_PREROUTING, LAYOUT_MAP_IN, .local = true },
	{ LAYOUT_OUTPUT, LAYOUT_MAP_OUT, .source = true },
	{ LAYOUT_OUTPUT, LAYOUT_MAP_IN, .local = true },
	{ LAYOUT_PREROUTING, LAYOUT_MAP_IN4, .local = true },
	{ LAYOUT_OUTPUT, LAYOUT_MAP_OUT4, .source = true },
	{ LAYOUT_OUTPUT, LAYOUT_MAP_IN4, .local = true },
	{ LAYOUT_PREROUTING, LAYOUT_MAP_IN6, .local = true },
	{ LAYOUT_OUTPUT, LAYOUT_MAP_OUT6, .source = true },
	{ LAYOUT_OUTPUT, LAYOUT_MAP_IN6, .local = true },
};

static const char *const HOOK_NAMES[] = { "prerouting", "output" };

static const char *const SIDE_NAMES[] = { "in", "out" };

static const char *const MAP_NAMES[] = {
	[LAYOUT_MAP_IN] = "in_services",   [LAYOUT_MAP_OUT] = "out_services",
	[LAYOUT_MAP_IN4] = "in_services4", [LAYOUT_MAP_OUT4] = "out_services4",
	[LAYOUT_MAP_IN6] = "in_services6", [LAYOUT_MAP_OUT6] = "out_services6",
};

const struct layout_lookup *layout_lookup(unsigned index)
{
	return &LOOKUPS[index];
}

const char *layout_hook_name(enum layout_hook hook)
{
	return HOOK_NAMES[hook];
}

const char *layout_map_name(enum layout_map map)
{
	return MAP_NAMES[map];
}

uint8_t layout_map_family(enum layout_map map)
{
	if (map <= LAYOUT_MAP_OUT)
		return AF_UNSPEC;
	return map <= LAYOUT_MAP_OUT4 ? AF_INET : AF_INET6;
}

static size_t address_bytes(uint8_t family)
{
	if (family == AF_UNSPEC)
		return 0;
	return family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);
}

size_t layout_map_key_bytes(enum layout_map map)
{
	return PART_BYTES + address_bytes(layout_map_family(map)) + PART_BYTES;
}

enum layout_map layout_map_of(enum layout_side side, const struct service *service)
{
	if (service->family == AF_INET)
		return side == LAYOUT_IN ? LAYOUT_MAP_IN4 : LAYOUT_MAP_OUT4;
	if (service->family == AF_INET6)
		return side == LAYOUT_IN ? LAYOUT_MAP_IN6 : LAYOUT_MAP_OUT6;
	return side == LAYOUT_IN ? LAYOUT_MAP_IN : LAYOUT_MAP_OUT;
}

enum layout_side layout_map_side(enum layout_map map)
{
	return map % LAYOUT_SIDES ? LAYOUT_OUT : LAYOUT_IN;
}

/* A name of nft is letters, digits and "/-_." (its scanner): an IPv6 address gets dashes for colons. */
void layout_chain_name(enum layout_side side, const struct service *service,
		       char name[LAYOUT_NAME_MAX])
{
	const char *proto = service_proto_name(service->proto);
	char address[INET6_ADDRSTRLEN + 1] = "";

	if (service->family != AF_UNSPEC) {
		inet_ntop(service->family, &service->addr, address, INET6_ADDRSTRLEN);
		for (char *c = strchr(address, ':'); c; c = strchr(c, ':'))
			*c = '-';
		address[strlen(address) + 1] = '\0';
		address[strlen(address)] = '_';
	}
	snprintf(name, LAYOUT_NAME_MAX, "%s_%s_%s%u", SIDE_NAMES[side], proto, address,
		 service->first_port);
}

/* "192.0.2.1_53" to "192.0.2.1:53", "2001-db8--1_53" to "[2001:db8::1]:53", "53" stays. */
static void restore_address(const char *name, char *text, size_t bytes)
{
	const char *end = strrchr(name, '_');
	bool v6 = strchr(name, '-');

	if (!end) {
		snprintf(text, bytes, "%s", name);
		return;
	}
	snprintf(text, bytes, "%s%.*s%s:%s", v6 ? "[" : "", (int)(end - name), name,
		 v6 ? "]" : "", end + 1);
	for (char *c = strchr(text, '-'); c; c = strchr(c, '-'))
		*c = ':';
}

static bool parse_side(const char **name, enum layout_side *side)
{
	for (int s = LAYOUT_IN; s < LAYOUT_SIDES; s++) {
		size_t length = strlen(SIDE_NAMES[s]);

		if (strncmp(*name, SIDE_NAMES[s], length) != 0 || (*name)[length] != '_')
			continue;
		*side = (enum layout_side)s;
		*name += length + 1;
		return true;
	}
	return false;
}

bool layout_parse_chain(const char *name, enum layout_side *side, struct service *service)
{
	char text[SERVICE_TEXT_MAX], again[LAYOUT_NAME_MAX], tail[SERVICE_TEXT_MAX - 8];
	struct service parsed;
	struct args_why why;
	const char *rest = name;
	enum layout_side parsed_side;

	if (strlen(name) >= LAYOUT_NAME_MAX || !parse_side(&rest, &parsed_side))
		return false;
	if (strncmp(rest, "udp_", 4) != 0 && strncmp(rest, "tcp_", 4) != 0)
		return false;
	restore_address(rest + 4, tail, sizeof(tail));
	snprintf(text, sizeof(text), "%.3s/%s", rest, tail);
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

size_t layout_key(const struct service *service, uint8_t key[LAYOUT_KEY_MAX])
{
	size_t bytes = address_bytes(service->family);
	uint16_t port = htons(service->first_port);

	memset(key, 0, LAYOUT_KEY_MAX);
	key[0] = service->proto;
	memcpy(key + PART_BYTES, &service->addr, bytes);
	memcpy(key + PART_BYTES + bytes, &port, sizeof(port));
	return PART_BYTES + bytes + PART_BYTES;
}

bool layout_parse_key(enum layout_map map, const void *key, size_t bytes,
		      struct service *service)
{
	struct service parsed = { .family = layout_map_family(map) };
	size_t address = address_bytes(parsed.family);
	const uint8_t *parts = key;
	uint16_t port;

	if (bytes != layout_map_key_bytes(map))
		return false;
	memcpy(&parsed.addr, parts + PART_BYTES, address);
	memcpy(&port, parts + PART_BYTES + address, sizeof(port));
	parsed.proto = parts[0];
	parsed.first_port = parsed.last_port = ntohs(port);
	if (parsed.proto != IPPROTO_UDP && parsed.proto != IPPROTO_TCP)
		return false;
	if (parsed.first_port == 0 || layout_unfit(&parsed))
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

const char *layout_unfit(const struct service *service)
{
	if (service->outbound)
		return "only services of this host can be taken out, not out:";
	if (service->first_port != service->last_port)
		return "only a single port can be taken out, not a range";
	return service->family == AF_UNSPEC ? NULL : unfit_address(service);
}
