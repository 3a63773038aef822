// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/comparison.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#include <linux/netfilter.h>
#include <string.h>

#include "rules/advice.h"
#include "rules/answers.h"
#include "rules/auditor.h"
#include "rules/bytes.h"
#include "rules/command.h"
#include "rules/findings.h"
#include "rules/model.h"
#include "rules/precedent.h"
#include "rules/surroundings.h"

/* base NULL: in any. */
static const struct run_answer *answer_of(const struct run *run,
					  const struct model_rule *rule,
					  const struct model_chain *base)
{
	for (size_t i = 0; i < run->now.answers; i++)
		if (run->answer[i].rule == rule && (!base || run->answer[i].base == base))
			return &run->answer[i];
	return NULL;
}

const struct model_rule *comparison_parting(const struct run *run,
					    const struct run *other,
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

/* Whether it meets the rule where packets leave, which have no input interface. */
static bool is_sent(const struct run *tracked, const struct run *untracked,
		    const struct model_rule *rule)
{
	const struct run *loser =
		untracked->now.fate != RUN_DELIVERED ? untracked : tracked;
	const struct model_chain *place = loser->now.base;
	const struct run_answer *answer = answer_of(untracked, rule, place);

	if (rule->chain->base) {
		place = rule->chain;
	} else if (!answer) {
		answer = answer_of(untracked, rule, NULL);
		place = answer ? answer->base : place;
	}
	return place->table->family != NFPROTO_NETDEV &&
	       (place->hook == NF_INET_LOCAL_OUT || place->hook == NF_INET_POST_ROUTING);
}

/* Which rule makes that the packets fare differently. */
static const struct model_rule *culprit(const struct run *tracked,
					const struct run *untracked)
{
	const struct run *loser =
		untracked->now.fate != RUN_DELIVERED ? untracked : tracked;
	const struct model_chain *bases[] = { loser->now.base, NULL };

	for (int i = 0; i < 2; i++) {
		const struct model_rule *rule =
			comparison_parting(tracked, untracked, bases[i]);

		if (!rule)
			rule = comparison_parting(untracked, tracked, bases[i]);
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
		for (const struct model_expr *nested = model_nested(expr); nested;
		     nested = nested->next)
			if (nested->kind == MODEL_CONNLIMIT)
				return true;
	}
	return false;
}

/*
 * An answer that is kept out, but only at ports that programs have to choose themselves: to let it in would let in
 * anybody there, and whether there are such programs cannot be seen.
 */
static bool is_of_choosers(const struct auditor *auditor)
{
	const struct run *run = &auditor->untracked;

	return run->packet->service->outbound && !run->packet->asker &&
	       packet_way(run->packet) == PACKET_ARRIVES &&
	       !packet_is_error(run->packet) && run->now.fate != RUN_DELIVERED &&
	       answers_go_beyond(run);
}

static void note_choosers(struct auditor *auditor)
{
	struct finding finding =
		findings_about(auditor->tracked.packet, "chosen-port", NULL, NULL);

	if (findings_know(auditor->out, &finding) ||
	    !precedent_exists(auditor, &auditor->tracked))
		return;
	finding.severity = FINDING_WARNING;
	command_append(finding.why, "programs here that choose the port themselves that "
				    "they ask from, beyond ");
	answers_put_ports(auditor->host, finding.why);
	command_append(finding.why, ", would get no answers");
	command_append(finding.fix, "let them take ports that the kernel gives, or set "
				    "net.ipv4.ip_local_port_range to theirs");
	findings_add(auditor->out, &finding);
}

/* Who asks from the port of a remote service, and only untracked gets a connection: nobody here asked for it. */
static bool is_let_in(const struct run *tracked, const struct run *untracked)
{
	return tracked->packet->asker && packet_proto(tracked->packet) == IPPROTO_TCP &&
	       tracked->now.fate != RUN_DELIVERED && untracked->now.fate == RUN_DELIVERED;
}

/* Rejected by one rule or another: its sender may be told that nobody listens, or that nobody may. */
static void compare_refusals(struct auditor *auditor)
{
	struct run *tracked = &auditor->tracked;
	const struct run *untracked = &auditor->untracked;
	struct finding finding = findings_about(
		tracked->packet, "state", untracked->now.decider, untracked->now.base);

	if (tracked->now.fate != RUN_REJECTED ||
	    tracked->now.told == untracked->now.told ||
	    findings_know(auditor->out, &finding) || !precedent_exists(auditor, tracked))
		return;
	finding.weight = FINDING_DIFFERENCE;
	finding.severity = FINDING_BLOCKER;
	advice_plain(&finding,
		     "what another rule rejects while it is tracked, this one rejects "
		     "when it is not, and tells its sender something else",
		     "let both rules reject it alike");
	findings_add(auditor->out, &finding);
}

static void compare_fates(struct auditor *auditor)
{
	struct run *tracked = &auditor->tracked;
	const struct run *untracked = &auditor->untracked;
	const struct model_rule *rule;
	struct finding finding;
	const char *code;

	if (tracked->now.fate == untracked->now.fate)
		compare_refusals(auditor);
	/* Where it is translated to is a finding of its own. */
	if (tracked->now.fate == untracked->now.fate || tracked->now.fate == RUN_TAKEN ||
	    untracked->now.fate == RUN_TAKEN)
		return;
	if (is_of_choosers(auditor)) {
		note_choosers(auditor);
		return;
	}
	rule = culprit(tracked, untracked);
	code = is_let_in(tracked, untracked)      ? "unasked"
	       : counts_connections(rule)         ? "connlimit"
	       : packet_is_error(tracked->packet) ? "icmp"
						  : "state";
	finding = findings_about(tracked->packet, code, rule, untracked->now.base);
	if (findings_know(auditor->out, &finding) || !precedent_exists(auditor, tracked))
		return;
	finding.weight = FINDING_DIFFERENCE;
	finding.severity =
		packet_is_error(tracked->packet) ? FINDING_WARNING : FINDING_BLOCKER;
	finding.sent = rule && is_sent(tracked, untracked, rule);
	advice_fate(auditor->service, tracked, untracked, &finding);
	findings_add(auditor->out, &finding);
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
	[RUN_USES_UP] = { "limit", FINDING_DIFFERENCE, FINDING_BLOCKER },
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

static bool is_same(const struct run_effect *a, const struct run_effect *b)
{
	return a->kind == b->kind && (a->rule == b->rule || (a->of_any && b->of_any)) &&
	       a->detail == b->detail && a->value == b->value;
}

/* How often: two base chains may come to the same rule. */
static unsigned times(const struct run *run, const struct run_effect *effect)
{
	unsigned count = 0;

	for (size_t i = 0; i < run->now.effects; i++)
		count += is_same(&run->effect[i], effect);
	return count;
}

/* Whether the symbol is one number in the case that is assumed: its bytes, in network order. */
static bool is_one(struct auditor *auditor, enum packet_field field, size_t count,
		   uint8_t *out)
{
	struct byte bytes[sizeof(struct in_addr)];

	bytes_put_symbol(bytes, count,
			 packet_symbol(auditor->tracked.packet, &auditor->world, field));
	return bytes_known(&auditor->world, bytes, count, out);
}

/*
 * On loopback: what is translated are packets of just one end that nobody has by chance: an address of
 * 127.0.0.0/8 but 127.0.0.1, which a program must choose, and one of the ports that are given by
 * lot. It is a service of its own, as Docker's resolver for containers is, and no client of this one.
 */
static bool is_of_another_service(struct auditor *auditor,
				  const struct run_effect *effect,
				  struct finding *finding)
{
	const struct packet *packet = auditor->tracked.packet;
	uint8_t address[sizeof(struct in_addr)], port[sizeof(in_port_t)];
	char why[FINDING_TEXT_MAX], name[INET_ADDRSTRLEN];

	if (effect->kind != RUN_SNAT || !packet->loopback || packet->family != AF_INET ||
	    !packet_is_request(packet) || !packet->host->ports.count ||
	    !is_one(auditor, PACKET_CLIENT, sizeof(address), address) ||
	    !is_one(auditor, PACKET_CLIENT_PORT, sizeof(port), port))
		return false;
	inet_ntop(AF_INET, address, name, sizeof(name));
	if (address[0] != IN_LOOPBACKNET || strcmp(name, "127.0.0.1") == 0)
		return false;
	snprintf(
		why, sizeof(why),
		"packets of what serves at %s:%u are translated, which untracked packets "
		"never are; clients are given no such address",
		name, port[0] << 8 | port[1]);
	finding->code = "bound";
	advice_plain(finding, why, "");
	return true;
}

static void add_effect(struct auditor *auditor, const struct run *doer, size_t which)
{
	const struct run_effect *effect = &doer->effect[which];
	const struct meaning *meaning = &MEANINGS[effect->kind];
	struct finding finding =
		findings_about(doer->packet, meaning->code, effect->rule, doer->now.base);

	if (is_of_another_service(auditor, effect, &finding)) {
		findings_add(auditor->out, &finding);
		return;
	}
	if (findings_know(auditor->out, &finding) ||
	    !precedent_exists(auditor, &auditor->tracked))
		return;
	finding.weight = meaning->weight;
	finding.severity = meaning->severity;
	advice_effect(auditor->service, doer, (unsigned)which, &finding);
	findings_add(auditor->out, &finding);
}

static void compare_effects(struct auditor *auditor, const struct run *doer,
			    const struct run *other)
{
	for (size_t i = 0; i < doer->now.effects; i++) {
		const struct run_effect *effect = &doer->effect[i];

		/* What is not understood may differ all the same. */
		if (effect->kind == RUN_OPAQUE || effect->kind == RUN_ZONE ||
		    times(doer, effect) > times(other, effect))
			add_effect(auditor, doer, i);
	}
}

void comparison_opaque(struct auditor *auditor, const struct run *run)
{
	for (size_t i = 0; i < run->now.effects; i++)
		if (run->effect[i].kind == RUN_OPAQUE)
			add_effect(auditor, run, i);
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

/*
 * Whether somebody beyond the chains that it passes may ask for its mark: routes, queues, the rules of a bridge, and those
 * that answers meet, if they are given it.
 */
static bool marks_matter(const struct auditor *auditor)
{
	const struct model_chain *chain = auditor->model->chains;
	const struct surroundings *host = auditor->host;

	while (host->bridge && chain &&
	       !(chain->base && chain->table->family == NFPROTO_BRIDGE &&
		 model_matters(chain)))
		chain = chain->next;
	return !host->surveyed || host->marks_route || host->marks_queue ||
	       host->marks_kept || (host->bridge && chain);
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
	finding = findings_about(tracked->packet, "mark", rule, NULL);
	if (findings_know(auditor->out, &finding) ||
	    has_same_marks(&auditor->world, &tracked->now, &untracked->now) ||
	    !precedent_exists(auditor, tracked))
		return;
	if (!marks_matter(auditor)) {
		advice_plain(&finding,
			     "the packet's mark comes of tracking: untracked it has "
			     "another one, which no policy route and no queue asks "
			     "for",
			     "");
		findings_add(auditor->out, &finding);
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
	findings_add(auditor->out, &finding);
}

void comparison_make(struct auditor *auditor)
{
	compare_fates(auditor);
	compare_effects(auditor, &auditor->tracked, &auditor->untracked);
	compare_effects(auditor, &auditor->untracked, &auditor->tracked);
	compare_marks(auditor);
}
