// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/unasked.h"

#include <arpa/inet.h>

#include "rules/advice.h"
#include "rules/answers.h"
#include "rules/auditor.h"
#include "rules/clientports.h"
#include "rules/command.h"
#include "rules/comparison.h"
#include "rules/findings.h"
#include "rules/model.h"

/* Effects that send a packet elsewhere, or to somebody who may keep it out. */
static bool is_diversion(enum run_effect_kind kind)
{
	return kind <= RUN_REDIRECT || kind == RUN_TPROXY || kind == RUN_SYNPROXY ||
	       kind == RUN_QUEUE;
}

static const struct model_rule *diversion_of(const struct run *run)
{
	for (size_t i = 0; i < run->now.effects; i++)
		if (is_diversion(run->effect[i].kind))
			return run->effect[i].rule;
	return NULL;
}

static bool is_translated(const struct run *run)
{
	for (size_t i = 0; i < run->now.effects; i++)
		if (run->effect[i].kind <= RUN_REDIRECT)
			return true;
	return false;
}

static bool passes(const struct run *run)
{
	/* What is taken goes on elsewhere. */
	return run->now.fate == RUN_DELIVERED || run->now.fate == RUN_TAKEN;
}

/* Whether it gets to the port of this host that it is for, with nobody else asked. */
static bool gets_in(const struct run *run)
{
	return passes(run) && !diversion_of(run);
}

/* Which rule lets it in untracked, or keeps it out tracked. */
static const struct model_rule *culprit(const struct run *tracked,
					const struct run *untracked)
{
	/* Where the tracked packet ended, then anywhere. */
	const struct model_chain *bases[] = { tracked->now.base, NULL };

	if (diversion_of(tracked))
		return diversion_of(tracked);
	for (int i = 0; i < 2; i++) {
		const struct model_rule *rule =
			comparison_parting(untracked, tracked, bases[i]);

		if (!rule)
			rule = comparison_parting(tracked, untracked, bases[i]);
		if (rule)
			return rule;
	}
	return tracked->now.decider;
}

/* Who asks this host from that very port is taken for somebody who answers. */
static void note_askers(struct auditor *auditor)
{
	struct finding finding =
		findings_about(auditor->tracked.packet, "same-port", NULL, NULL);
	char fix[FINDING_TEXT_MAX] = "", name[SERVICE_TEXT_MAX];

	finding.unasked = true;
	if (clientports_common(auditor->service)) {
		finding.weight = FINDING_DIFFERENCE;
		finding.severity = FINDING_BLOCKER;
		service_format(auditor->service, name);
		command_append(fix, "keep %s tracked, or name only ports of services",
			       name);
	}
	advice_plain(&finding,
		     "hosts that ask this one from that same port are untracked, too, "
		     "and fare differently",
		     fix);
	findings_add(auditor->out, &finding);
}

/* "192.0.2.1, UDP port 53" */
static void put_origin(const struct service *service, char *text)
{
	char address[INET6_ADDRSTRLEN];
	bool tcp = service->proto == IPPROTO_TCP;

	if (service->family != AF_UNSPEC) {
		inet_ntop(service->family, &service->addr, address, sizeof(address));
		command_append(text, "%s, ", address);
	}
	command_append(text, "%s port", tcp ? "TCP" : "UDP");
	if (service->first_port != service->last_port)
		command_append(text, "s %u-%u", service->first_port, service->last_port);
	else
		command_append(text, " %u", service->first_port);
}

static void explain(const struct service *service, const struct surroundings *host,
		    bool alike, struct finding *finding)
{
	command_append(finding->why, "whoever sends from ");
	put_origin(service, finding->why);
	if (!alike) {
		command_append(
			finding->why,
			" gets in here untracked, though nobody asked: tracked, that is "
			"kept out for its state");
	} else if (service->proto == IPPROTO_TCP) {
		command_append(finding->why,
			       ", though nobody asked, gets in here untracked, but "
			       "with what opens no connection: it looks like an "
			       "answer");
	} else {
		command_append(finding->why,
			       ", though nobody asked, gets in here untracked at the "
			       "ports that answers come to: ");
		answers_put_ports(host, finding->why);
	}
}

/* Drops what is no answer before the rule: all that looks like one is let in as before. */
static void repair(const struct service *service, const struct surroundings *host,
		   bool insertable, struct finding *finding)
{
	char words[FINDING_TEXT_MAX] = "", name[SERVICE_TEXT_MAX];

	command_match(words, service, false);
	command_append(words, " ");
	answers_match(service, host, false, words);
	command_append(words, " ct state untracked drop");
	service_format(service, name);
	if (!answers_fit(service, host)) {
		command_append(finding->fix, "keep %s tracked", name);
	} else if (!insertable) {
		command_append(
			finding->fix,
			"keep %s tracked, or drop before it what is no answer, in a "
			"filter chain: %s",
			name, words);
	} else if (finding->rule->compat) {
		command_insert(finding->fix, finding);
		command_options(finding->fix, service, false);
		command_append(finding->fix, " ");
		answers_options(service, host, false, finding->fix);
		command_append(finding->fix, " -m conntrack --ctstate UNTRACKED -j DROP");
	} else {
		command_insert(finding->fix, finding);
		command_words(finding->fix, words);
	}
}

static void note_intruder(struct auditor *auditor)
{
	const struct run *tracked = &auditor->tracked, *untracked = &auditor->untracked;
	bool alike = answers_resemble(untracked);
	struct finding finding =
		findings_about(tracked->packet, alike ? "lookalike" : "unasked",
			       culprit(tracked, untracked), untracked->now.base);

	finding.unasked = true;
	if (findings_know(auditor->out, &finding))
		return;
	finding.weight = alike ? FINDING_HARMLESS : FINDING_DIFFERENCE;
	finding.severity = alike ? FINDING_WARNING : FINDING_BLOCKER;
	explain(auditor->service, auditor->host, alike, &finding);
	if (!alike)
		repair(auditor->service, auditor->host,
		       finding.rule && !is_translated(tracked), &finding);
	findings_add(auditor->out, &finding);
}

void unasked_judge(struct auditor *auditor)
{
	const struct run *tracked = &auditor->tracked, *untracked = &auditor->untracked;

	comparison_opaque(auditor, tracked);
	comparison_opaque(auditor, untracked);
	if (gets_in(untracked) && !gets_in(tracked))
		note_intruder(auditor);
	else if (gets_in(tracked) != gets_in(untracked) ||
		 passes(tracked) != passes(untracked))
		note_askers(auditor);
}
