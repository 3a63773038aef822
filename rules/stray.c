// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/stray.h"

#include <stdio.h>

#include "rules/advice.h"
#include "rules/auditor.h"
#include "rules/clientports.h"
#include "rules/findings.h"

/* Whether NAT gives the packet a port of the service; if it leaves it its own, that may be one. */
static bool gets_port(struct auditor *auditor, const struct run_effect *effect)
{
	const struct service *service = auditor->service;
	const struct range own = { wide_of(service->first_port),
				   wide_of(service->last_port) };
	uint64_t port = effect->detail & UINT16_MAX;

	if (effect->detail & RUN_ANY_PORT)
		return true;
	if (port)
		return port >= service->first_port && port <= service->last_port;
	return world_decide(&auditor->world,
			    packet_symbol(auditor->tracked.packet, &auditor->world,
					  PACKET_SERVER_PORT),
			    &(struct ranges){ &own, 1 });
}

static bool turns_here(struct auditor *auditor, const struct run_effect *effect)
{
	/* Redirection is to this host, which is not where outbound services are. */
	bool turns = effect->kind == RUN_DNAT ||
		     (effect->kind == RUN_REDIRECT && !auditor->service->outbound);

	return turns && !(effect->detail & RUN_AWAY) && gets_port(auditor, effect);
}

void stray_judge(struct auditor *auditor)
{
	const struct run *run = &auditor->tracked;
	char fix[FINDING_TEXT_MAX], name[SERVICE_TEXT_MAX];

	for (size_t i = 0; i < run->now.effects; i++) {
		const struct run_effect *effect = &run->effect[i];
		struct finding finding;

		if (!turns_here(auditor, effect))
			continue;
		finding = findings_about(run->packet, "nat", effect->rule, NULL);
		/* It is the replies that would be untracked. */
		finding.request = false;
		if (findings_know(auditor->out, &finding))
			continue;
		finding.weight = FINDING_DIFFERENCE;
		finding.severity = FINDING_BLOCKER;
		service_format(auditor->service, name);
		snprintf(fix, sizeof(fix), "keep %s tracked", name);
		advice_plain(
			&finding,
			"packets to another port or address are turned to this one "
			"here: if the replies are untracked, they are not turned back "
			"and the client does not know them",
			fix);
		findings_add(auditor->out, &finding);
	}
}

void stray_judge_passing(struct auditor *auditor)
{
	const struct service *service = auditor->service;
	const struct run *run = &auditor->tracked;
	char fix[FINDING_TEXT_MAX], name[SERVICE_TEXT_MAX];
	bool common = service->outbound || clientports_common(service);

	service_format(service, name);
	snprintf(fix, sizeof(fix), "keep %s tracked", name);
	for (size_t i = 0; i < run->now.effects; i++) {
		const struct run_effect *effect = &run->effect[i];
		struct finding finding;

		if (effect->kind != RUN_SNAT && effect->kind != RUN_MASQUERADE)
			continue;
		finding = findings_about(run->packet, "behind", effect->rule, NULL);
		finding.request = false;
		finding.weight = common ? FINDING_DIFFERENCE : FINDING_HARMLESS;
		finding.severity = common ? FINDING_BLOCKER : FINDING_INFO;
		advice_plain(
			&finding,
			service->outbound
				? "hosts behind this one ask that port too, with this "
				  "host's address: untracked, the answers would not be "
				  "turned back to them"
				: "hosts behind this one may ask others from that "
				  "port, with this host's address: untracked, the "
				  "answers would not be turned back to them",
			common ? fix : "");
		findings_add(auditor->out, &finding);
	}
}
