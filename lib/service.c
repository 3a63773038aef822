// SPDX-License-Identifier: GPL-2.0-or-later
#include "lib/service.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/args.h"

enum { QUOTE_MAX = 60, PORT_DIGITS_MAX = 5 };

static int refuse(const char *text, const char *what, struct args_why *why)
{
	snprintf(why->text, sizeof(why->text), "service \"%.*s\": %s", QUOTE_MAX, text,
		 what);
	return -EINVAL;
}

static bool parse_port(const char *text, size_t length, uint16_t *out)
{
	unsigned long port;

	if (length == 0 || length > PORT_DIGITS_MAX ||
	    strspn(text, "0123456789") < length)
		return false;
	/* It stops at the dash by itself. */
	port = strtoul(text, NULL, 10);
	if (port == 0 || port > UINT16_MAX)
		return false;
	*out = (uint16_t)port;
	return true;
}

/* "PORT" or "PORT-PORT". Returns what is wrong, or NULL. */
static const char *parse_ports(const char *text, struct service *service)
{
	static const char MALFORMED[] = "the port is not 1 to 65535, or FIRST-LAST";
	const char *dash = strchr(text, '-');

	if (!dash) {
		if (!parse_port(text, strlen(text), &service->first_port))
			return MALFORMED;
		service->last_port = service->first_port;
		return NULL;
	}
	if (!parse_port(text, (size_t)(dash - text), &service->first_port) ||
	    !parse_port(dash + 1, strlen(dash + 1), &service->last_port))
		return MALFORMED;
	return service->first_port <= service->last_port
		       ? NULL
		       : "the range of ports is backwards";
}

/* An address as it stands before ":PORT"; IPv6 in brackets. */
static bool parse_address(const char *text, size_t length, struct service *service)
{
	char address[INET6_ADDRSTRLEN];
	bool bracketed = length >= 2 && text[0] == '[' && text[length - 1] == ']';

	if (bracketed) {
		text++;
		length -= 2;
	}
	if (length == 0 || length >= sizeof(address))
		return false;
	memcpy(address, text, length);
	address[length] = '\0';
	service->family = bracketed ? AF_INET6 : AF_INET;
	return inet_pton(service->family, address, &service->addr) == 1;
}

static bool parse_proto(const char **text, struct service *service)
{
	if (strncmp(*text, "udp/", 4) == 0)
		service->proto = IPPROTO_UDP;
	else if (strncmp(*text, "tcp/", 4) == 0)
		service->proto = IPPROTO_TCP;
	else
		return false;
	*text += 4;
	return true;
}

int service_parse(const char *text, struct service *out, struct args_why *why)
{
	struct service service = { .family = AF_UNSPEC };
	const char *rest = text;
	const char *colon, *wrong;

	if (strncmp(rest, "out:", 4) == 0) {
		service.outbound = true;
		rest += 4;
	}
	if (!parse_proto(&rest, &service))
		return refuse(text,
			      "want PROTO/[ADDR:]PORT with PROTO udp or tcp, like udp/53",
			      why);
	/* The last one stands before the port: those of IPv6 are in brackets. */
	colon = strrchr(rest, ':');
	if (colon && !parse_address(rest, (size_t)(colon - rest), &service))
		return refuse(text, "the address is not IPv4 or IPv6 in brackets", why);
	wrong = parse_ports(colon ? colon + 1 : rest, &service);
	if (wrong)
		return refuse(text, wrong, why);
	*out = service;
	return 0;
}

const char *service_proto_name(uint8_t proto)
{
	return proto == IPPROTO_UDP ? "udp" : "tcp";
}

void service_format(const struct service *service, char text[SERVICE_TEXT_MAX])
{
	char host[INET6_ADDRSTRLEN + 4] = "";
	char address[INET6_ADDRSTRLEN];
	char last[8] = "";

	if (service->family != AF_UNSPEC) {
		inet_ntop(service->family, &service->addr, address, sizeof(address));
		snprintf(host, sizeof(host),
			 service->family == AF_INET6 ? "[%s]:" : "%s:", address);
	}
	if (service->last_port != service->first_port)
		snprintf(last, sizeof(last), "-%u", service->last_port);
	snprintf(text, SERVICE_TEXT_MAX, "%s%s/%s%u%s", service->outbound ? "out:" : "",
		 service_proto_name(service->proto), host, service->first_port, last);
}

static bool same_address(const struct service *a, const struct service *b)
{
	if (a->family == AF_INET)
		return a->addr.v4.s_addr == b->addr.v4.s_addr;
	return memcmp(&a->addr.v6, &b->addr.v6, sizeof(a->addr.v6)) == 0;
}

bool service_equal(const struct service *a, const struct service *b)
{
	return a->outbound == b->outbound && a->proto == b->proto &&
	       a->family == b->family && a->first_port == b->first_port &&
	       a->last_port == b->last_port &&
	       (a->family == AF_UNSPEC || same_address(a, b));
}

bool service_overlaps(const struct service *a, const struct service *b)
{
	if (a->outbound != b->outbound || a->proto != b->proto)
		return false;
	if (a->first_port > b->last_port || b->first_port > a->last_port)
		return false;
	if (a->family == AF_UNSPEC || b->family == AF_UNSPEC)
		return true;
	return a->family == b->family && same_address(a, b);
}
