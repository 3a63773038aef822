// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/askers.h"

#include <stdio.h>
#include <string.h>

#include "rules/advice.h"
#include "rules/auditor.h"
#include "rules/clientports.h"
#include "rules/command.h"
#include "rules/findings.h"
#include "rules/given.h"
#include "rules/surroundings.h"

static struct packet packet_of(const struct auditor *auditor, uint8_t family)
{
	return (struct packet){ .service = auditor->service,
				.host = auditor->host,
				.family = family };
}

static bool is_unasked(const struct finding *finding)
{
	return strcmp(finding->code, "unasked") == 0;
}

/* Leaves in auditor->own what matters; differences are called code, unless that is NULL. */
static void sift(struct audit *own, const char *code)
{
	size_t kept = 0;

	for (size_t i = 0; i < own->count; i++) {
		if (own->finding[i].weight == FINDING_HARMLESS)
			continue;
		if (code && own->finding[i].weight == FINDING_DIFFERENCE &&
		    !is_unasked(&own->finding[i]))
			own->finding[i].code = code;
		own->finding[kept++] = own->finding[i];
	}
	own->count = kept;
}

/* Packets of these kinds; what matters of them is in auditor->own. */
static void judge(struct auditor *auditor, struct packet *packet, enum packet_kind first,
		  enum packet_kind last, const char *code)
{
	struct audit *out = auditor->out;

	auditor->own.count = 0;
	auditor->out = &auditor->own;
	for (int kind = (int)first; kind <= (int)last; kind++) {
		packet->kind = (enum packet_kind)kind;
		if (kind != PACKET_LATER_REPLY || auditor->service->proto == IPPROTO_TCP)
			auditor_judge(auditor, packet);
	}
	auditor->out = out;
	sift(&auditor->own, code);
}

/* That cannot be seen, and most never do it: it is said, but no reason for another verdict. */
static void inform(struct auditor *auditor, struct finding *finding, const char *code,
		   const char *why)
{
	finding->code = code;
	finding->weight = FINDING_HARMLESS;
	finding->severity = FINDING_INFO;
	advice_plain(finding, why, "");
	findings_add(auditor->out, finding);
}

void askers_own(struct auditor *auditor, uint8_t family)
{
	struct packet packet = packet_of(auditor, family);

	packet.own = true;
	judge(auditor, &packet, PACKET_REQUEST, PACKET_LATER_REPLY, NULL);
	for (size_t i = 0; i < auditor->own.count; i++)
		inform(auditor, &auditor->own.finding[i], "own",
		       "if the service itself asks other hosts from this port, "
		       "that fares differently untracked, or the answers do");
}

void askers_marked(struct auditor *auditor, uint8_t family)
{
	struct packet packet = packet_of(auditor, family);

	packet.loopback = packet.marked = true;
	judge(auditor, &packet, PACKET_REQUEST, PACKET_LATER, NULL);
	for (size_t i = 0; i < auditor->own.count; i++) {
		struct finding *finding = &auditor->own.finding[i];

		if (!findings_know(auditor->out, finding))
			inform(auditor, finding, "client-mark",
			       "if a program here marks what it asks the service "
			       "(SO_MARK), that fares differently untracked");
	}
}

void askers_given(struct auditor *auditor, uint8_t family)
{
	const struct ranges ports = surroundings_ports(auditor->host);
	struct packet packet = packet_of(auditor, family);
	struct ranges given = { 0 };
	const int err = clientports_of(auditor->service, &ports, &auditor->arena, &given);

	if (err)
		auditor->err = err;
	if (err || !given.count)
		return;
	packet.own = packet.given = true;
	for (int loopback = 0; loopback < 2; loopback++) {
		packet.loopback = loopback;
		judge(auditor, &packet, PACKET_REQUEST, PACKET_ERROR_OUT, "given-port");
		for (size_t i = 0; i < auditor->own.count; i++) {
			struct finding *finding = &auditor->own.finding[i];

			given_explain(auditor->service, auditor->host, finding);
			findings_add(auditor->out, finding);
		}
	}
}

/* common: of a port that clients have. */
static void explain_remote(const struct service *service, bool common,
			   struct finding *finding)
{
	char why[FINDING_TEXT_MAX], name[SERVICE_TEXT_MAX];

	service_format(service, name);
	snprintf(why, sizeof(why), "%s", finding->why);
	finding->why[0] = finding->fix[0] = '\0';
	command_append(finding->why,
		       "hosts that ask this one from %s port are untracked, too: %s",
		       common ? "such a" : "that same", why);
	if (common)
		command_append(finding->fix,
			       "keep %s tracked, or name only ports of services", name);
	else if (is_unasked(finding))
		command_append(finding->fix, "keep %s tracked", name);
}

void askers_remote(struct auditor *auditor, uint8_t family)
{
	const bool common = clientports_common(auditor->service);
	struct packet packet = packet_of(auditor, family);

	packet.asker = true;
	judge(auditor, &packet, PACKET_LATER, PACKET_ERROR_OUT, "same-port");
	for (size_t i = 0; i < auditor->own.count; i++) {
		struct finding *finding = &auditor->own.finding[i];

		if (!common && !is_unasked(finding)) {
			finding->weight = FINDING_HARMLESS;
			finding->severity = FINDING_INFO;
		}
		explain_remote(auditor->service, common, finding);
		findings_add(auditor->out, finding);
	}
}
