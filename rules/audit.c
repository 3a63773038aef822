// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/audit.h"
#include "rules/run.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/advice.h"
#include "rules/course.h"
#include "rules/record.h"
#include "rules/surroundings.h"
#include "rules/walk.h"

/* How much of the steps may be for one kind of packet: one part in so many. */
enum { STEPS_PARTS = 4 };

/* Sets of numbers that cases are made of. */
enum { WORLD_BYTES_MAX = 96 << 20 };

struct auditor {
	const struct model *model;
	const struct surroundings *host;
	const struct service *service;
	const struct audit_listener *listener;
	struct arena arena; /* of order */
	struct course order;
	struct world world;
	uint64_t steps_in_all, steps; /* that may still be taken */
	struct audit *out;
	struct audit own; /* these are too large for the stack */
	struct run tracked, untracked, earlier;
};

static bool is_same(const struct finding *a, const struct finding *b)
{
	return strcmp(a->code, b->code) == 0 && a->rule == b->rule &&
	       a->chain == b->chain && a->error == b->error &&
	       (a->error || a->request == b->request) &&
	       (a->rule || a->chain || strcmp(a->why, b->why) == 0);
}

/* The finding if it is there already. */
static struct finding *find(struct audit *out, const struct finding *finding)
{
	for (size_t i = 0; i < out->count; i++)
		if (is_same(&out->finding[i], finding))
			return &out->finding[i];
	return NULL;
}

/* Whether nothing would be new about it. */
static bool is_known(struct audit *out, const struct finding *finding)
{
	const struct finding *there = find(out, finding);

	return there && there->v4 >= finding->v4 && there->v6 >= finding->v6;
}

static void add(struct audit *out, const struct finding *finding)
{
	struct finding *there = find(out, finding);

	if (there) {
		there->v4 |= finding->v4;
		there->v6 |= finding->v6;
		return;
	}
	if (finding->weight == FINDING_DIFFERENCE)
		out->verdict = AUDIT_UNSAFE;
	else if (finding->weight == FINDING_UNJUDGED && out->verdict == AUDIT_SAFE)
		out->verdict = AUDIT_UNKNOWN;
	if (out->count < AUDIT_FINDINGS_MAX)
		out->finding[out->count++] = *finding;
	else
		out->truncated = true;
}

static struct finding about(const struct packet *packet, const char *code,
			    const struct model_rule *rule,
			    const struct model_chain *chain)
{
	return (struct finding){
		.code = code,
		.rule = rule,
		.chain = rule ? rule->chain : chain,
		.way = packet_way(packet),
		.request = packet_is_request(packet),
		.error = packet_is_error(packet),
		.v4 = packet->family == AF_INET,
		.v6 = packet->family == AF_INET6,
	};
}

/* Sends another packet of the conversation; returns whether rules let it through. */
static bool passes(struct auditor *auditor, struct packet *packet, enum packet_kind kind,
		   bool untrack)
{
	struct run *run = &auditor->earlier;

	packet->kind = kind;
	run->world = &auditor->world;
	run->model = auditor->model;
	run->packet = packet;
	run->untrack = untrack;
	walk(run, &auditor->order);
	return run->now.fate == RUN_DELIVERED || run->now.fate == RUN_TAKEN;
}

/*
 * Whether a reply must have gone before: later packets of TCP need one, and errors that are
 * about replies.
 */
static bool needs_reply(const struct packet *packet)
{
	/* An error that this host gets is about what it sent, and the other way round. */
	bool opened_here = packet->service->outbound || packet->own;

	switch (packet->kind) {
	case PACKET_LATER:
	case PACKET_LATER_REPLY: return packet_proto(packet) == IPPROTO_TCP;
	case PACKET_ERROR_IN: return !opened_here || packet->loopback;
	case PACKET_ERROR_OUT: return opened_here && !packet->loopback;
	default: return false;
	}
}

/* In the case that is assumed, and what may be assumed further. */
static bool has_history(struct auditor *auditor, struct run *tracked)
{
	struct packet earlier = *tracked->packet;

	if (!passes(auditor, &earlier, PACKET_REQUEST, false))
		return false;
	if (auditor->model->untracks &&
	    run_was_tracked(tracked) != (auditor->earlier.now.tracking == RUN_TRACKED))
		return false;
	if (needs_reply(tracked->packet) &&
	    !passes(auditor, &earlier, PACKET_REPLY, false))
		return false;
	/* That a later request is dropped after the first was, both untracked, is no news. */
	return tracked->packet->kind != PACKET_LATER ||
	       passes(auditor, &earlier, PACKET_REQUEST, true);
}

/*
 * Whether there is a conversation, in the case that is assumed, in which the packet comes: what must
 * precede it was let through when it was tracked. Leaves the world as it was.
 */
static bool can_happen(struct auditor *auditor, struct run *tracked)
{
	struct world_point now = world_point(&auditor->world);
	bool found = false, more = true;

	if (tracked->packet->kind == PACKET_REQUEST)
		return true;
	while (more && !found && !auditor->world.spent) {
		found = has_history(auditor, tracked);
		more = world_again(&auditor->world, &now);
	}
	world_return(&auditor->world, &now);
	auditor->world.choices = now.at;
	return found || auditor->world.spent;
}

static const struct run_answer *answer_of(const struct run *run,
					  const struct model_rule *rule,
					  const struct model_chain *base)
{
	for (size_t i = 0; i < run->now.answers; i++)
		if (run->answer[i].rule == rule && run->answer[i].base == base)
			return &run->answer[i];
	return NULL;
}

/* The last rule in the base chain that asked about tracking and matched in one run only. */
static const struct model_rule *parting(const struct run *run, const struct run *other,
					const struct model_chain *base)
{
	for (size_t i = run->now.answers; i-- > 0;) {
		const struct run_answer *own = &run->answer[i], *its;

		if (!own->matched || (base && own->base != base))
			continue;
		its = answer_of(other, own->rule, own->base);
		if (!its || !its->matched)
			return own->rule;
	}
	return NULL;
}

/* Which rule makes that the packets fare differently. */
static const struct model_rule *culprit(const struct run *tracked,
					const struct run *untracked)
{
	const struct run *loser =
		untracked->now.fate != RUN_DELIVERED ? untracked : tracked;
	const struct model_chain *bases[] = { loser->now.base, NULL };

	for (int i = 0; i < 2; i++) {
		const struct model_rule *rule = parting(tracked, untracked, bases[i]);

		if (!rule)
			rule = parting(untracked, tracked, bases[i]);
		if (rule)
			return rule;
	}
	return loser->now.decider;
}

static bool counts_connections(const struct model_rule *rule)
{
	const struct model_expr *expr = rule ? rule->exprs : NULL;

	for (; expr; expr = expr->next) {
		if (expr->kind == MODEL_CONNLIMIT)
			return true;
		if (expr->kind == MODEL_MATCH && strcmp(expr->object, "connlimit") == 0)
			return true;
		for (const struct model_expr *nested = expr->nested; nested;
		     nested = nested->next)
			if (nested->kind == MODEL_CONNLIMIT)
				return true;
	}
	return false;
}

static void compare_fates(struct auditor *auditor)
{
	struct run *tracked = &auditor->tracked;
	const struct run *untracked = &auditor->untracked;
	const struct model_rule *rule;
	struct finding finding;
	const char *code;

	/* Where it is translated to is a finding of its own. */
	if (tracked->now.fate == untracked->now.fate || tracked->now.fate == RUN_TAKEN ||
	    untracked->now.fate == RUN_TAKEN)
		return;
	rule = culprit(tracked, untracked);
	code = counts_connections(rule)           ? "connlimit"
	       : packet_is_error(tracked->packet) ? "icmp"
						  : "state";
	finding = about(tracked->packet, code, rule, untracked->now.base);
	if (is_known(auditor->out, &finding) || !can_happen(auditor, tracked))
		return;
	finding.weight = FINDING_DIFFERENCE;
	finding.severity =
		packet_is_error(tracked->packet) ? FINDING_WARNING : FINDING_BLOCKER;
	advice_fate(auditor->service, tracked, untracked, &finding);
	add(auditor->out, &finding);
}

/* What an effect is called in a finding, and what it means if only one of the two has it. */
struct meaning {
	const char *code;
	enum finding_weight weight;
	enum finding_severity severity;
};

static const struct meaning MEANINGS[] = {
	[RUN_DNAT] = { "nat", FINDING_DIFFERENCE, FINDING_BLOCKER },
	[RUN_SNAT] = { "nat", FINDING_DIFFERENCE, FINDING_BLOCKER },
	[RUN_MASQUERADE] = { "nat", FINDING_DIFFERENCE, FINDING_BLOCKER },
	[RUN_REDIRECT] = { "nat", FINDING_DIFFERENCE, FINDING_BLOCKER },
	[RUN_TPROXY] = { "tproxy", FINDING_DIFFERENCE, FINDING_BLOCKER },
	[RUN_SYNPROXY] = { "synproxy", FINDING_DIFFERENCE, FINDING_BLOCKER },
	[RUN_QUEUE] = { "queue", FINDING_DIFFERENCE, FINDING_BLOCKER },
	[RUN_COPY] = { "dup", FINDING_DIFFERENCE, FINDING_BLOCKER },
	[RUN_FORWARD] = { "fwd", FINDING_DIFFERENCE, FINDING_BLOCKER },
	[RUN_REWRITE] = { "rewrite", FINDING_DIFFERENCE, FINDING_BLOCKER },
	[RUN_CLASSIFY] = { "mark", FINDING_DIFFERENCE, FINDING_BLOCKER },
	[RUN_SET_CHANGE] = { "set", FINDING_DIFFERENCE, FINDING_BLOCKER },
	[RUN_HELPER] = { "helper", FINDING_DIFFERENCE, FINDING_BLOCKER },
	[RUN_TIMEOUT] = { "timeout", FINDING_HARMLESS, FINDING_INFO },
	[RUN_EXPECT] = { "expectation", FINDING_DIFFERENCE, FINDING_BLOCKER },
	[RUN_CT_MARK] = { "ct-mark", FINDING_HARMLESS, FINDING_INFO },
	[RUN_CT_OTHER] = { "ct-set", FINDING_HARMLESS, FINDING_INFO },
	[RUN_ZONE] = { "zone", FINDING_HARMLESS, FINDING_INFO },
	[RUN_OFFLOAD] = { "offload", FINDING_DIFFERENCE, FINDING_BLOCKER },
	[RUN_NOTRACK] = { "notrack", FINDING_HARMLESS, FINDING_INFO },
	[RUN_OPAQUE] = { "opaque", FINDING_UNJUDGED, FINDING_BLOCKER },
};

static bool has_effect(const struct run *run, const struct run_effect *effect)
{
	for (size_t i = 0; i < run->now.effects; i++)
		if (run->effect[i].kind == effect->kind &&
		    run->effect[i].rule == effect->rule &&
		    run->effect[i].detail == effect->detail &&
		    run->effect[i].value == effect->value)
			return true;
	return false;
}

static void compare_effects(struct auditor *auditor, const struct run *doer,
			    const struct run *other)
{
	for (size_t i = 0; i < doer->now.effects; i++) {
		const struct run_effect *effect = &doer->effect[i];
		const struct meaning *meaning = &MEANINGS[effect->kind];
		struct finding finding;

		/* What is not understood may differ all the same. */
		if (effect->kind != RUN_OPAQUE && effect->kind != RUN_ZONE &&
		    has_effect(other, effect))
			continue;
		finding =
			about(doer->packet, meaning->code, effect->rule, doer->now.base);
		if (is_known(auditor->out, &finding) ||
		    !can_happen(auditor, &auditor->tracked))
			continue;
		finding.weight = meaning->weight;
		finding.severity = meaning->severity;
		advice_effect(auditor->service, doer, (unsigned)i, &finding);
		add(auditor->out, &finding);
	}
}

/* At the end, and where the packet was routed. */
static bool has_same_marks(struct world *world, const struct run_state *a,
			   const struct run_state *b)
{
	for (int i = 0; i < RUN_ROUTINGS; i++)
		if (!bytes_same(world, a->routed[i], b->routed[i], sizeof(uint32_t)))
			return false;
	return bytes_same(world, a->mark, b->mark, sizeof(uint32_t));
}

/* What came last to the mark is to blame. */
static void compare_marks(struct auditor *auditor)
{
	struct run *tracked = &auditor->tracked;
	const struct run *untracked = &auditor->untracked;
	const struct model_rule *rule = tracked->now.mark_rule ? tracked->now.mark_rule
							       : untracked->now.mark_rule;
	struct finding finding;

	if (!rule || tracked->now.fate != RUN_DELIVERED ||
	    untracked->now.fate != RUN_DELIVERED)
		return;
	finding = about(tracked->packet, "mark", rule, NULL);
	if (is_known(auditor->out, &finding) ||
	    has_same_marks(&auditor->world, &tracked->now, &untracked->now) ||
	    !can_happen(auditor, tracked))
		return;
	if (auditor->host->surveyed && !auditor->host->marks_route &&
	    !auditor->host->marks_queue) {
		advice_plain(&finding,
			     "the packet's mark comes of tracking: untracked it has "
			     "another one, which no policy route and no queue asks "
			     "for",
			     "");
		add(auditor->out, &finding);
		return;
	}
	finding.weight = FINDING_DIFFERENCE;
	finding.severity = FINDING_BLOCKER;
	advice_plain(
		&finding,
		"the packet's mark comes of tracking: untracked it has another one, "
		"and may be routed or queued differently",
		"set the mark without asking for the connection, or keep the service "
		"tracked");
	add(auditor->out, &finding);
}

/* A zone, or the template that it is in, keeps our rules from untracking. */
static void note_zone(struct auditor *auditor)
{
	const struct run *untracked = &auditor->untracked;
	struct finding finding;

	if (untracked->now.tracking != RUN_TRACKED ||
	    packet_is_error(untracked->packet) || !auditor->model->zones)
		return;
	finding = about(untracked->packet, "zone", NULL, NULL);
	finding.way = PACKET_ARRIVES;
	advice_plain(
		&finding,
		"a rule gives packets of the service a conntrack zone or a template, "
		"which keeps NOTRACK from having an effect",
		"");
	finding.weight = FINDING_UNJUDGED;
	finding.severity = FINDING_BLOCKER;
	if (!is_known(auditor->out, &finding))
		add(auditor->out, &finding);
}

static void note_budget(struct auditor *auditor, const struct packet *packet)
{
	struct finding finding = about(packet, "too-large", NULL, NULL);
	char name[120];

	audit_packet_name(packet, name, sizeof(name));
	finding.weight = FINDING_UNJUDGED;
	finding.severity = FINDING_BLOCKER;
	snprintf(finding.why, sizeof(finding.why),
		 "the rules make too many cases to look at for the %s", name);
	if (!is_known(auditor->out, &finding))
		add(auditor->out, &finding);
}

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

/*
 * NAT that turns packets for others, or for other ports, to the service: its replies would not be turned
 * back.
 */
static void judge_stray(struct auditor *auditor)
{
	const struct run *run = &auditor->tracked;
	char fix[FINDING_TEXT_MAX], name[SERVICE_TEXT_MAX];

	for (size_t i = 0; i < run->now.effects; i++) {
		const struct run_effect *effect = &run->effect[i];
		struct finding finding;

		if (!turns_here(auditor, effect))
			continue;
		finding = about(run->packet, "nat", effect->rule, NULL);
		finding.request = false;
		if (is_known(auditor->out, &finding))
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
		add(auditor->out, &finding);
	}
}

/*
 * Whether clients choose ports of the service for themselves, beside those who use its port as their
 * own, as NTP's do.
 */
static bool is_of_clients(const struct service *service)
{
	return service->first_port != service->last_port &&
	       service->last_port >= IPPORT_RESERVED;
}

/* Hosts behind this one that are given its address: what is answered to it would not reach them. */
static void judge_passing(struct auditor *auditor)
{
	const struct service *service = auditor->service;
	const struct run *run = &auditor->tracked;
	char fix[FINDING_TEXT_MAX], name[SERVICE_TEXT_MAX];
	bool common = service->outbound || is_of_clients(service);

	service_format(service, name);
	snprintf(fix, sizeof(fix), "keep %s tracked", name);
	for (size_t i = 0; i < run->now.effects; i++) {
		const struct run_effect *effect = &run->effect[i];
		struct finding finding;

		if (effect->kind != RUN_SNAT && effect->kind != RUN_MASQUERADE)
			continue;
		finding = about(run->packet, "behind", effect->rule, NULL);
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
		add(auditor->out, &finding);
	}
}

/* Sends the other packet, in every case that is left to it, and compares. */
static void compare(struct auditor *auditor)
{
	struct run *untracked = &auditor->untracked;
	bool more = true;

	if (auditor->tracked.packet->astray) {
		judge_stray(auditor);
		return;
	}
	if (auditor->tracked.packet->passing) {
		judge_passing(auditor);
		return;
	}
	untracked->world = &auditor->world;
	untracked->model = auditor->model;
	untracked->packet = auditor->tracked.packet;
	untracked->record = auditor->tracked.record;
	untracked->untrack = true;
	walk(untracked, &auditor->order);
	while (more && !auditor->world.spent) {
		compare_fates(auditor);
		compare_effects(auditor, &auditor->tracked, untracked);
		compare_effects(auditor, untracked, &auditor->tracked);
		compare_marks(auditor);
		note_zone(auditor);
		more = walk_again(untracked, &auditor->order);
	}
}

static void judge_packet(struct auditor *auditor, const struct packet *packet)
{
	const struct audit_listener *listener = auditor->listener;
	const uint64_t most = auditor->steps_in_all / STEPS_PARTS;
	const uint64_t budget = auditor->steps < most ? auditor->steps : most;
	struct world *world = &auditor->world;
	const struct world_point start = { .at = 0 };
	struct run *tracked = &auditor->tracked;
	bool more = true;

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
 * What the service's own socket asks of others, as those of NTP and DHT do. Most never do, and it cannot be
 * seen whether one does: that is said, but no reason for another verdict.
 */
static void judge_own(struct auditor *auditor, uint8_t family)
{
	struct audit *out = auditor->out;
	struct packet packet = { .service = auditor->service,
				 .host = auditor->host,
				 .family = family,
				 .own = true };

	auditor->own.count = 0;
	auditor->out = &auditor->own;
	for (int kind = 0; kind < PACKET_KINDS; kind++) {
		packet.kind = (enum packet_kind)kind;
		if (kind == PACKET_REQUEST || kind == PACKET_REPLY)
			judge_packet(auditor, &packet);
	}
	auditor->out = out;
	for (size_t i = 0; i < auditor->own.count; i++) {
		struct finding *finding = &auditor->own.finding[i];

		if (finding->weight == FINDING_HARMLESS)
			continue;
		finding->code = "own";
		finding->weight = FINDING_HARMLESS;
		finding->severity = FINDING_INFO;
		advice_plain(finding,
			     "if the service itself asks other hosts from this port, "
			     "that fares differently untracked, or the answers do",
			     "");
		add(out, finding);
	}
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
			if (kind == PACKET_LATER_REPLY && service->proto != IPPROTO_TCP)
				continue;
			judge_packet(auditor, &packet);
		}
		packet.kind = PACKET_REQUEST;
		packet.astray = true;
		judge_packet(auditor, &packet);
	}
	if (!service->outbound && service->proto == IPPROTO_UDP)
		judge_own(auditor, family);
	passing.passing = true;
	if (family == AF_INET ? auditor->host->forwards4 : auditor->host->forwards6)
		judge_packet(auditor, &passing);
}

static int by_severity(const void *a, const void *b)
{
	const struct finding *left = a, *right = b;

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
		qsort(out->finding, out->count, sizeof(out->finding[0]), by_severity);
		world_free(&auditor->world);
	}
	if (auditor)
		arena_free(&auditor->arena);
	free(auditor);
	return err;
}

void audit_note(struct audit *audit, const char *code, enum finding_weight weight,
		enum finding_severity severity, const char *why, const char *fix)
{
	struct finding finding = { .code = code, .weight = weight, .severity = severity };

	advice_plain(&finding, why, fix);
	add(audit, &finding);
	qsort(audit->finding, audit->count, sizeof(audit->finding[0]), by_severity);
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

	snprintf(text, bytes, "%s%s%s, %s",
		 packet->astray ? "packets to others" : KINDS[packet->kind],
		 packet->loopback ? " on loopback" : "",
		 !packet->loopback && !packet_is_error(packet)
			 ? (packet->own                 ? " of its own"
			    : packet->passing           ? " of hosts behind this one"
			    : packet->service->outbound ? " of this host's clients"
							: " of other hosts' clients")
			 : "",
		 packet->family == AF_INET ? "IPv4" : "IPv6");
}
