// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/attribute_name.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include <linux/netfilter/nf_conntrack_tcp.h>

#include "conntrack/attribute.h"
#include "lib/service.h"

/* As conntrack(8) has them, in lower case. The numbers are the kernel's interface. */
static const char *const TCP_STATES[] = {
	[TCP_CONNTRACK_NONE] = "none",
	[TCP_CONNTRACK_SYN_SENT] = "syn-sent",
	[TCP_CONNTRACK_SYN_RECV] = "syn-recv",
	[TCP_CONNTRACK_ESTABLISHED] = "established",
	[TCP_CONNTRACK_FIN_WAIT] = "fin-wait",
	[TCP_CONNTRACK_CLOSE_WAIT] = "close-wait",
	[TCP_CONNTRACK_LAST_ACK] = "last-ack",
	[TCP_CONNTRACK_TIME_WAIT] = "time-wait",
	[TCP_CONNTRACK_CLOSE] = "close",
	[TCP_CONNTRACK_SYN_SENT2] = "syn-sent2",
};

/* Those that the kernel tracks by themselves, and the common ones beside. */
static const struct {
	uint8_t proto;
	const char *name;
} PROTOCOLS[] = {
	{ IPPROTO_TCP, "tcp" },         { IPPROTO_UDP, "udp" },
	{ IPPROTO_ICMP, "icmp" },       { IPPROTO_ICMPV6, "icmpv6" },
	{ IPPROTO_SCTP, "sctp" },       { IPPROTO_DCCP, "dccp" },
	{ IPPROTO_UDPLITE, "udplite" }, { IPPROTO_GRE, "gre" },
	{ IPPROTO_ESP, "esp" },         { IPPROTO_IGMP, "igmp" },
};

static const char *const STATES[] = {
	[STATE_UNREPLIED] = "unreplied",
	[STATE_REPLIED] = "replied",
	[STATE_ASSURED] = "assured",
};

static void name_service(const struct attribute_key *key, char text[ATTRIBUTE_NAME_MAX])
{
	struct service service = {
		.outbound = key->kind == ATTRIBUTE_OUT,
		.proto = key->proto,
		.family = key->family,
		.first_port = key->port,
		.last_port = key->port,
	};
	char name[SERVICE_TEXT_MAX];

	memcpy(&service.addr, &key->address, sizeof(service.addr));
	service_format(&service, name);
	snprintf(text, ATTRIBUTE_NAME_MAX, "%s", name);
}

static void name_source(const struct attribute_key *key, char text[ATTRIBUTE_NAME_MAX])
{
	char address[INET6_ADDRSTRLEN];

	inet_ntop(key->family, &key->address, address, sizeof(address));
	snprintf(text, ATTRIBUTE_NAME_MAX, "%s/%u", address, key->prefix_bits);
}

static void name_state(const struct attribute_key *key, char text[ATTRIBUTE_NAME_MAX])
{
	bool tcp = key->proto == IPPROTO_TCP;
	size_t known = tcp ? sizeof(TCP_STATES) / sizeof(TCP_STATES[0])
			   : sizeof(STATES) / sizeof(STATES[0]);
	/* A kernel may have more of them than its headers had. */
	const char *state = key->state >= known ? "unknown"
			    : tcp               ? TCP_STATES[key->state]
						: STATES[key->state];

	for (size_t i = 0; i < sizeof(PROTOCOLS) / sizeof(PROTOCOLS[0]); i++) {
		if (PROTOCOLS[i].proto != key->proto)
			continue;
		snprintf(text, ATTRIBUTE_NAME_MAX, "%s %s", PROTOCOLS[i].name, state);
		return;
	}
	snprintf(text, ATTRIBUTE_NAME_MAX, "protocol %u %s", key->proto, state);
}

/* In brackets, as other programs show what is no process. */
static void name_process(const struct attribute_key *key, char text[ATTRIBUTE_NAME_MAX])
{
	static const char *const HOLDERS[] = {
		[HOLDER_PROCESS] = "[unknown]",   [HOLDER_NONE] = "[no listener]",
		[HOLDER_OUTBOUND] = "[outbound]", [HOLDER_FORWARDED] = "[forwarded]",
		[HOLDER_UNKNOWN] = "[unknown]",
	};
	/* In place of an address: a key has room for the 15 bytes that names of processes have. */
	const char *name = (const char *)&key->address;

	if (key->state == HOLDER_PROCESS && *name)
		snprintf(text, ATTRIBUTE_NAME_MAX, "%.*s", (int)sizeof(key->address),
			 name);
	else
		snprintf(text, ATTRIBUTE_NAME_MAX, "%s", HOLDERS[key->state]);
}

void attribute_name(const struct attribute_key *key, char text[ATTRIBUTE_NAME_MAX])
{
	if (key->kind == ATTRIBUTE_SOURCE)
		name_source(key, text);
	else if (key->kind == ATTRIBUTE_STATE)
		name_state(key, text);
	else if (key->kind == ATTRIBUTE_PROCESS)
		name_process(key, text);
	else
		name_service(key, text);
}

const char *attribute_direction(const struct attribute_key *key)
{
	switch (key->kind) {
	case ATTRIBUTE_IN: return "in";
	case ATTRIBUTE_OUT: return "out";
	default: return "forward";
	}
}
