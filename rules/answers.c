// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/answers.h"
#include "rules/run.h"

#include <netinet/in.h>
#include <stdio.h>

#include "rules/command.h"
#include "rules/finding.h"
#include "rules/surroundings.h"

static void put_ports(const struct ranges *ports, char dash, const char *between,
		      char *text)
{
	for (size_t i = 0; i < ports->count; i++) {
		const struct range *range = &ports->at[i];

		command_append(text, "%s%u", i ? between : "",
			       (unsigned)range->first.low);
		if (range->last.low != range->first.low)
			command_append(text, "%c%u", dash, (unsigned)range->last.low);
	}
}

void answers_put_list(const struct ranges *ports, char *text)
{
	put_ports(ports, '-', ",", text);
}

void answers_put_ports(const struct surroundings *host, char *text)
{
	const struct ranges ports = surroundings_ports(host);

	command_append(text, "%s", ports.count > 1 ? "{ " : "");
	put_ports(&ports, '-', ", ", text);
	command_append(text, "%s", ports.count > 1 ? " }" : "");
}

void answers_match(const struct service *service, const struct surroundings *host,
		   bool alike, char *text)
{
	if (service->proto == IPPROTO_TCP) {
		command_append(text, "tcp flags & (syn|ack) %s syn", alike ? "!=" : "==");
		return;
	}
	command_append(text, "udp dport %s", alike ? "" : "!= ");
	answers_put_ports(host, text);
}

void answers_options(const struct service *service, const struct surroundings *host,
		     bool alike, char *text)
{
	const struct ranges ports = surroundings_ports(host);

	if (service->proto == IPPROTO_TCP) {
		command_append(text, "%s--tcp-flags SYN,ACK SYN", alike ? "! " : "");
		return;
	}
	command_append(text, "%s%s%s ", ports.count > 1 ? "-m multiport " : "",
		       alike ? "" : "! ", ports.count > 1 ? "--dports" : "--dport");
	put_ports(&ports, ':', ",", text);
}

/* The ports that it may go to in the case that is assumed. */
static const struct ranges *targets_of(const struct run *run)
{
	unsigned symbol = packet_symbol(run->packet, run->world, PACKET_CLIENT_PORT);

	return &run->world->symbol[symbol].domain;
}

bool answers_resemble(const struct run *run)
{
	const struct ranges ports = surroundings_ports(run->packet->host);
	struct ranges beyond;

	if (run->packet->service->proto == IPPROTO_TCP)
		/* As a first reply it is a SYN, with which no answer begins. */
		return run->packet->kind != PACKET_REPLY;
	if (ranges_subtract(&run->world->arena, targets_of(run), &ports, &beyond)) {
		run->world->spent = true;
		return false;
	}
	return beyond.count == 0;
}

bool answers_go_beyond(const struct run *run)
{
	const struct ranges ports = surroundings_ports(run->packet->host);
	struct ranges within;

	if (ranges_intersect(&run->world->arena, targets_of(run), &ports, &within)) {
		run->world->spent = true;
		return false;
	}
	return within.count == 0;
}

/* xt_multiport takes so many ports (XT_MULTI_PORTS), two for a range. */
enum { MULTIPORT_MAX = 15 };

bool answers_fit(const struct service *service, const struct surroundings *host)
{
	return service->proto == IPPROTO_TCP ||
	       2 * surroundings_ports(host).count <= MULTIPORT_MAX;
}

static void ask_besides(const struct service *service, const struct surroundings *host,
			struct finding *finding)
{
	char words[FINDING_TEXT_MAX] = "", options[FINDING_TEXT_MAX] = "";

	answers_match(service, host, true, words);
	answers_options(service, host, true, options);
	/* There is room: of UDP answers_fit() allows no more than seven ranges. */
	snprintf(finding->only, FINDING_ONLY_MAX, "%s", words);
	snprintf(finding->only_options, FINDING_ONLY_MAX, "%s", options);
}

bool answers_narrow(const struct service *service, const struct surroundings *host,
		    struct finding *finding)
{
	if (!service->outbound || finding->way != PACKET_ARRIVES || finding->request ||
	    finding->error)
		return true;
	if (!answers_fit(service, host))
		return false;
	ask_besides(service, host, finding);
	return true;
}

bool answers_follow(const struct packet *packet, struct finding *finding)
{
	if (packet->kind != PACKET_LATER)
		return true;
	if (packet->service->proto != IPPROTO_TCP)
		return false;
	ask_besides(packet->service, packet->host, finding);
	return true;
}
