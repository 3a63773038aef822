// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/audit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "rules/advice.h"
#include "rules/askers.h"
#include "rules/auditor.h"
#include "rules/command.h"
#include "rules/comparison.h"
#include "rules/findings.h"
#include "rules/layout.h"
#include "rules/model.h"
#include "rules/record.h"
#include "rules/stray.h"
#include "rules/surroundings.h"
#include "rules/unasked.h"
#include "rules/walk.h"

/* How much of the steps may be for one kind of packet: one part in so many. */
enum { STEPS_PARTS = 4 };

/* Sets of numbers that cases are made of. */
enum { WORLD_BYTES_MAX = 96 << 20 };

/* The rule that gave it a zone last. */
static const struct model_rule *zone_rule(const struct run *run)
{
	for (size_t i = run->now.effects; i-- > 0;)
		if (run->effect[i].kind == RUN_ZONE)
			return run->effect[i].rule;
	return NULL;
}

/* A zone, or the template that it is in, keeps our rules from untracking. */
static void note_zone(struct auditor *auditor)
{
	const struct run *untracked = &auditor->untracked;
	char fix[FINDING_TEXT_MAX], name[SERVICE_TEXT_MAX];
	struct finding finding;

	if (untracked->now.tracking != RUN_TRACKED ||
	    packet_is_error(untracked->packet) || !auditor->model->zones)
		return;
	finding = findings_about(untracked->packet, "zone", zone_rule(untracked), NULL);
	finding.weight = FINDING_UNJUDGED;
	finding.severity = FINDING_BLOCKER;
	/* In a rehearsal ours is always the first. */
	finding.turned = course_is_preceded(&auditor->order);
	if (findings_know(auditor->out, &finding))
		return;
	service_format(auditor->service, name);
	snprintf(
		fix, sizeof(fix),
		"let the rule not match %s, or keep it tracked; --rehearse tries whether "
		"it matters",
		name);
	advice_plain(&finding,
		     "packets of the service are given a conntrack zone or a template "
		     "here, which keeps NOTRACK from having an effect",
		     fix);
	findings_add(auditor->out, &finding);
}

static void note_budget(struct auditor *auditor, const struct packet *packet)
{
	struct finding finding = findings_about(packet, "too-large", NULL, NULL);
	char name[120];

	audit_packet_name(packet, name, sizeof(name));
	finding.weight = FINDING_UNJUDGED;
	finding.severity = FINDING_BLOCKER;
	snprintf(finding.why, sizeof(finding.why),
		 "the rules make too many cases to look at for the %s", name);
	if (!findings_know(auditor->out, &finding))
		findings_add(auditor->out, &finding);
}

/* Sends the other packet, in every case that is left to it, and compares. */
static void compare(struct auditor *auditor)
{
	struct run *untracked = &auditor->untracked;
	bool more = true;

	if (auditor->tracked.packet->astray) {
		stray_judge(auditor);
		return;
	}
	if (auditor->tracked.packet->passing) {
		stray_judge_passing(auditor);
		return;
	}
	untracked->world = &auditor->world;
	untracked->model = auditor->model;
	untracked->packet = auditor->tracked.packet;
	untracked->record = auditor->tracked.record;
	untracked->untrack = true;
	untracked->past = auditor->tracked.past;
	walk(untracked, &auditor->order);
	while (more && !auditor->world.spent) {
		if (untracked->packet->unasked)
			unasked_judge(auditor);
		else
			comparison_make(auditor);
		note_zone(auditor);
		more = walk_again(untracked, &auditor->order);
	}
}

void auditor_judge(struct auditor *auditor, const struct packet *packet)
{
	const struct audit_listener *listener = auditor->listener;
	const uint64_t most = auditor->steps_in_all / STEPS_PARTS;
	const uint64_t budget = auditor->steps < most ? auditor->steps : most;
	struct world *world = &auditor->world;
	const struct world_point start = { .at = 0 };
	struct run *tracked = &auditor->tracked;
	bool more = true;

	/* All that was assumed of another packet is forgotten. */
	world->choices = 0;
	world_return(world, &start);
	world->budget = budget;
	world->spent = false;
	if (listener)
		*listener->record = (struct record){ 0 };
	tracked->world = world;
	tracked->model = auditor->model;
	tracked->packet = packet;
	tracked->record = listener ? listener->record : NULL;
	walk(tracked, &auditor->order);
	while (more && !world->spent) {
		/* Until something asks about tracking both are the same. */
		if (tracked->now.asked || listener)
			compare(auditor);
		more = walk_again(tracked, &auditor->order);
	}
	auditor->steps -= budget - world->budget;
	if (world->spent)
		note_budget(auditor, packet);
	if (listener)
		listener->walked(packet, listener->record, listener->data);
}

/*
 * What comes from a remote service's port though nobody here has asked. To conntrack it is new; what is no SYN of
 * TCP is new or invalid, as net.netfilter.nf_conntrack_tcp_loose says.
 */
static void judge_unasked(struct auditor *auditor, uint8_t family)
{
	struct packet packet = { .service = auditor->service,
				 .host = auditor->host,
				 .family = family,
				 .kind = PACKET_REPLY,
				 .unasked = true };

	auditor->tracked.past = RUN_UNSEEN;
	auditor_judge(auditor, &packet);
	if (auditor->service->proto == IPPROTO_TCP) {
		packet.kind = PACKET_LATER_REPLY;
		auditor_judge(auditor, &packet);
		auditor->tracked.past = RUN_STRANGE;
		auditor_judge(auditor, &packet);
	}
	auditor->tracked.past = RUN_SEEN;
}

/*
 * What other hosts send to an address of loopback the kernel drops in both worlds: IPv6 before all rules
 * (ip6_rcv_core()), IPv4 where it is routed (ip_route_input_slow()), but for interfaces that are told otherwise.
 */
static bool is_kept_in(const struct auditor *auditor)
{
	const struct service *service = auditor->service;
	const struct surroundings *host = auditor->host;

	return !service->outbound && layout_is_loopback(service) && host->surveyed &&
	       !(service->family == AF_INET && host->localnet);
}

static void judge_family(struct auditor *auditor, uint8_t family)
{
	const struct service *service = auditor->service;
	struct packet passing = { .service = service,
				  .host = auditor->host,
				  .family = family };

	if (service->family != AF_UNSPEC && service->family != family)
		return;
	for (int loopback = 0; loopback < 2; loopback++) {
		struct packet packet = { .service = service,
					 .host = auditor->host,
					 .family = family,
					 .loopback = loopback };

		for (int kind = 0; kind < PACKET_KINDS; kind++) {
			packet.kind = (enum packet_kind)kind;
			/* Of UDP one reply is like another. */
			if (kind == PACKET_LATER_REPLY && service->proto != IPPROTO_TCP)
				continue;
			/* With both ends here it is no remote service, and stays tracked. */
			if (loopback ? service->outbound : is_kept_in(auditor))
				continue;
			auditor_judge(auditor, &packet);
		}
		packet.kind = PACKET_REQUEST;
		packet.astray = true;
		auditor_judge(auditor, &packet);
	}
	if (service->outbound) {
		judge_unasked(auditor, family);
		askers_remote(auditor, family);
	} else {
		askers_marked(auditor, family);
		askers_given(auditor, family);
	}
	if (!service->outbound && service->proto == IPPROTO_UDP)
		askers_own(auditor, family);
	passing.passing = true;
	if (family == AF_INET ? auditor->host->forwards4 : auditor->host->forwards6)
		auditor_judge(auditor, &passing);
}

/*
 * The same, with chains in the other order that they could be in: what only then differs may be so, or not. Who is told of
 * walks is told of those in the order that is listed.
 */
static void judge_turned(struct auditor *auditor)
{
	struct audit *out = auditor->out;

	if (!course_turn(&auditor->order))
		return;
	auditor->turned.service = out->service;
	auditor->out = &auditor->turned;
	auditor->listener = NULL;
	auditor->steps = auditor->steps_in_all;
	judge_family(auditor, AF_INET);
	judge_family(auditor, AF_INET6);
	auditor->out = out;
	out->truncated |= auditor->turned.truncated;
	for (size_t i = 0; i < auditor->turned.count; i++) {
		struct finding *finding = &auditor->turned.finding[i];

		if (finding->weight == FINDING_HARMLESS || findings_know(out, finding))
			continue;
		finding->weight = FINDING_UNJUDGED;
		finding->turned = true;
		command_append(finding->why, " (if chains of the same priority come in "
					     "another order than they are listed, which "
					     "cannot be seen)");
		findings_add(out, finding);
	}
}

static int by_severity(const void *a, const void *b)
{
	const struct finding *left = a, *right = b;

	/* What the verdict comes of goes before what merely sounds graver. */
	if (left->weight != right->weight)
		return left->weight > right->weight ? -1 : 1;
	return (right->severity > left->severity) - (right->severity < left->severity);
}

int audit_service(const struct model *model, const struct surroundings *host,
		  const struct service *service, uint64_t steps,
		  const struct audit_listener *listener, struct audit *out)
{
	struct auditor *auditor = calloc(1, sizeof(*auditor));
	int err =
		auditor ? course_plan(model, &auditor->arena, &auditor->order) : -ENOMEM;

	*out = (struct audit){ .service = *service, .generation = model->generation };
	if (!err) {
		auditor->model = model;
		auditor->host = host;
		auditor->service = service;
		auditor->listener = listener;
		auditor->out = out;
		auditor->steps = auditor->steps_in_all = steps;
		auditor->world.arena.limit = WORLD_BYTES_MAX;
		judge_family(auditor, AF_INET);
		judge_family(auditor, AF_INET6);
		judge_turned(auditor);
		err = auditor->err;
		qsort(out->finding, out->count, sizeof(out->finding[0]), by_severity);
		world_free(&auditor->world);
	}
	if (auditor)
		arena_free(&auditor->arena);
	free(auditor);
	return err;
}

void audit_add(struct audit *audit, const struct finding *finding)
{
	findings_add(audit, finding);
	qsort(audit->finding, audit->count, sizeof(audit->finding[0]), by_severity);
}

void audit_note(struct audit *audit, const char *code, enum finding_weight weight,
		enum finding_severity severity, const char *why, const char *fix)
{
	struct finding finding = { .code = code, .weight = weight, .severity = severity };

	advice_plain(&finding, why, fix);
	audit_add(audit, &finding);
}

const char *audit_verdict_name(enum audit_verdict verdict)
{
	switch (verdict) {
	case AUDIT_SAFE: return "safe";
	case AUDIT_UNSAFE: return "unsafe";
	default: return "unknown";
	}
}

void audit_packet_name(const struct packet *packet, char *text, size_t bytes)
{
	static const char *const KINDS[] = {
		[PACKET_REQUEST] = "first request",
		[PACKET_LATER] = "later requests",
		[PACKET_REPLY] = "first reply",
		[PACKET_LATER_REPLY] = "later replies",
		[PACKET_ERROR_IN] = "ICMP errors received",
		[PACKET_ERROR_OUT] = "ICMP errors sent",
	};

	static const char *const UNASKED[] = {
		"packets amid connections that are not there",
		"packets that nobody asked for",
	};

	snprintf(text, bytes, "%s%s%s%s, %s",
		 packet->astray    ? "packets to others"
		 : packet->unasked ? UNASKED[packet->kind == PACKET_REPLY]
				   : KINDS[packet->kind],
		 packet->loopback ? " on loopback" : "",
		 packet->marked ? ", with a mark" : "",
		 !packet->loopback && !packet_is_error(packet)
			 ? (packet->asker     ? " of hosts that ask from its ports"
			    : packet->given   ? " of programs given its ports"
			    : packet->own     ? " of its own"
			    : packet->passing ? " of hosts behind this one"
			    : packet->unasked ? ""
			    : packet->service->outbound ? " of this host's clients"
							: " of other hosts' clients")
			 : "",
		 packet->family == AF_INET ? "IPv4" : "IPv6");
}
