// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/advice.h"
#include "rules/run.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <string.h>

#include "rules/answers.h"
#include "rules/command.h"
#include "rules/finding.h"

static const char ICMP4[] =
	"icmp type { destination-unreachable, time-exceeded, parameter-problem }";
static const char ICMP6[] = "icmpv6 type { destination-unreachable, packet-too-big, "
			    "time-exceeded, parameter-problem }";

void advice_plain(struct finding *finding, const char *why, const char *fix)
{
	snprintf(finding->why, sizeof(finding->why), "%s", why);
	snprintf(finding->fix, sizeof(finding->fix), "%s", fix);
}

/* The errors that matter, for iptables: a command each. */
static void fix_errors_compat(struct finding *finding)
{
	static const char *const TYPES4[] = { "destination-unreachable", "time-exceeded",
					      "parameter-problem", NULL };
	static const char *const TYPES6[] = { "destination-unreachable", "packet-too-big",
					      "time-exceeded", "parameter-problem",
					      NULL };
	bool v6 = finding->rule->chain->table->family == NFPROTO_IPV6;

	for (const char *const *type = v6 ? TYPES6 : TYPES4; *type; type++) {
		command_append(finding->fix, "%s", finding->fix[0] ? "; " : "");
		command_insert(finding->fix, finding);
		command_loopback(finding->fix, finding);
		command_append(finding->fix, "-p %s %s -j ACCEPT",
			       v6 ? "ipv6-icmp --icmpv6-type" : "icmp --icmp-type",
			       *type);
	}
}

static void fix_errors(struct finding *finding)
{
	uint8_t family = finding->rule->chain->table->family;

	if (finding->rule->compat) {
		fix_errors_compat(finding);
		return;
	}
	if (family != NFPROTO_IPV6) {
		command_insert(finding->fix, finding);
		command_loopback(finding->fix, finding);
		command_append(finding->fix, "%s accept", ICMP4);
	}
	if (family != NFPROTO_IPV4) {
		command_append(finding->fix, "%s", finding->fix[0] ? "; " : "");
		command_insert(finding->fix, finding);
		command_loopback(finding->fix, finding);
		command_append(finding->fix, "%s accept", ICMP6);
	}
}

static bool is_counter(const struct model_expr *expr)
{
	return expr->named && expr->named->type == NFT_OBJECT_COUNTER;
}

/* Whether a rule asks for no more than protocol, ports and tracking. */
static bool is_simple(const struct model_rule *rule)
{
	static const char *const SIMPLE[] = { "conntrack", "state", "udp", "tcp",
					      "comment" };

	for (const struct model_expr *expr = rule->exprs; expr; expr = expr->next) {
		bool simple = false;

		switch (expr->kind) {
		case MODEL_META:
			simple = expr->number[0] == NFT_META_L4PROTO ||
				 expr->number[0] == NFT_META_NFPROTO;
			break;
		case MODEL_PAYLOAD:
			simple = expr->number[0] == NFT_PAYLOAD_TRANSPORT_HEADER;
			break;
		case MODEL_BITWISE:
		case MODEL_BYTEORDER:
		case MODEL_CMP:
		case MODEL_COUNTER:
		case MODEL_CT:
		case MODEL_IMMEDIATE:
		case MODEL_LOG:
		case MODEL_LOOKUP:
		case MODEL_RANGE: simple = true; break;
		case MODEL_OBJREF: simple = is_counter(expr); break;
		case MODEL_MATCH:
			for (size_t i = 0; i < sizeof(SIMPLE) / sizeof(SIMPLE[0]); i++)
				simple |= strcmp(expr->object, SIMPLE[i]) == 0;
			break;
		default: break;
		}
		if (!simple)
			return false;
	}
	return true;
}

/* A rule of iptables cannot be rewritten here; if it asks for more, only its words say what. */
static void fix_accept_compat(const struct service *service, struct finding *finding)
{
	const struct model_rule *rule = finding->rule;

	if (is_simple(rule)) {
		command_insert(finding->fix, finding);
		command_loopback(finding->fix, finding);
		command_options(finding->fix, service, finding->request);
		command_append(
			finding->fix, " %s%s-m conntrack --ctstate UNTRACKED -j ACCEPT",
			finding->only_options, finding->only_options[0] ? " " : "");
		return;
	}
	command_append(finding->fix, "put a copy of rule %u ", rule->number);
	if (command_names(rule->chain))
		command_append(finding->fix, "of chain %s (%s -t %s -S) ",
			       rule->chain->name,
			       rule->chain->table->family == NFPROTO_IPV6 ? "ip6tables"
									  : "iptables",
			       rule->chain->table->name);
	command_append(finding->fix, "in front of it, with %s%s", finding->only_options,
		       finding->only_options[0] ? " " : "");
	command_loopback(finding->fix, finding);
	command_append(finding->fix, "--ctstate UNTRACKED -j ACCEPT");
}

/*
 * Whether the rule counts what it lets through. For connections that is so many new ones; of untracked
 * packets each would count.
 */
static bool is_measured(const struct model_rule *rule)
{
	static const char *const METERS[] = { "connlimit", "hashlimit", "limit",
					      "quota",     "recent",    "statistic" };

	for (const struct model_expr *expr = rule->exprs; expr; expr = expr->next) {
		switch (expr->kind) {
		case MODEL_CONNLIMIT:
		case MODEL_DYNSET:
		case MODEL_LIMIT:
		case MODEL_NUMGEN:
		case MODEL_QUOTA: return true;
		case MODEL_OBJREF:
			if (!is_counter(expr))
				return true;
			break;
		case MODEL_MATCH:
			for (size_t i = 0; i < sizeof(METERS) / sizeof(METERS[0]); i++)
				if (strcmp(expr->object, METERS[i]) == 0)
					return true;
			break;
		default:
			if (model_nested(expr))
				return true;
			break;
		}
	}
	return false;
}

/* Until the words of the rule are known; if it asks for more than the service, only they say what. */
static void fix_accept_nft(const struct service *service, struct finding *finding)
{
	char words[FINDING_TEXT_MAX] = "";

	finding->twin = true;
	command_loopback(words, finding);
	command_match(words, service, finding->request);
	command_append(words, " %s%sct state untracked", finding->only,
		       finding->only[0] ? " " : "");
	if (is_simple(finding->rule)) {
		command_append(words, " accept");
		command_insert(finding->fix, finding);
		command_words(finding->fix, words);
	} else {
		command_append(finding->fix,
			       "put a copy of the rule in front of it, with \"%s\" for "
			       "what it asks about tracking, to accept it",
			       words);
	}
}

/* Accepting it where its tracked twin is accepted. */
static void fix_accept(const struct service *service, struct finding *finding)
{
	char name[SERVICE_TEXT_MAX];

	if (finding->error) {
		fix_errors(finding);
		return;
	}
	if (is_measured(finding->rule)) {
		service_format(service, name);
		command_append(
			finding->fix,
			"keep %s tracked: the rule measures what is new, which cannot be "
			"told of untracked packets",
			name);
		return;
	}
	if (finding->rule->compat)
		fix_accept_compat(service, finding);
	else
		fix_accept_nft(service, finding);
}

/* "dropped by the policy of chain input", "rejected by the rule with handle 9". */
static void put_end(char *text, const struct run *run)
{
	command_append(text, "%s by ",
		       run->now.fate == RUN_REJECTED ? "rejected" : "dropped");
	if (run->now.decider)
		command_append(text, "the rule with handle %llu of chain %s",
			       (unsigned long long)run->now.decider->handle,
			       run->now.decider->chain->name);
	else
		command_append(text, "the policy of chain %s", run->now.base->name);
}

/*
 * Whether the rule itself refuses what is untracked, and others come after it: those see what it lets alone, and
 * would not see what is accepted in front of it.
 */
static bool refuses(const struct run *untracked, const struct finding *finding)
{
	const struct model_rule *rule = finding->rule;

	return !finding->error && untracked->now.decider == rule &&
	       (rule->next || rule->chain != untracked->now.base);
}

/* Lets in what its state lets in, and no more. */
static void fix_fate(const struct service *service, const struct packet *packet,
		     const struct run *untracked, struct finding *finding)
{
	char name[SERVICE_TEXT_MAX];

	service_format(service, name);
	if (refuses(untracked, finding))
		command_append(finding->fix,
			       "keep %s tracked, or let the rule go by untracked packets "
			       "of it, too (accepted before it, they would miss the "
			       "rules after it)",
			       name);
	else if (!answers_narrow(service, packet->host, finding))
		command_append(finding->fix,
			       "keep %s tracked: the ports that answers come to are too "
			       "many ranges, for ip_local_reserved_ports",
			       name);
	else if (!answers_follow(packet, finding))
		command_append(
			finding->fix,
			"keep %s tracked: the rule lets in what goes on, and nothing "
			"tells whether untracked packets do",
			name);
	else
		fix_accept(service, finding);
}

void advice_fate(const struct service *service, const struct run *tracked,
		 const struct run *untracked, struct finding *finding)
{
	char name[SERVICE_TEXT_MAX];
	const char *who = finding_direction(finding);

	service_format(service, name);
	if (finding->error && tracked->now.fate == RUN_DELIVERED) {
		command_append(finding->why, "ICMP errors about untracked packets are "
					     "not related but invalid, "
					     "and would be ");
		put_end(finding->why, untracked);
		command_append(finding->why, ", so that path MTU discovery fails");
	} else if (tracked->now.fate == RUN_DELIVERED) {
		command_append(
			finding->why,
			"%s pass because they are tracked; untracked they would be ",
			who);
		put_end(finding->why, untracked);
	} else if (untracked->now.fate == RUN_DELIVERED) {
		command_append(finding->why, "tracked, %s can be ", who);
		put_end(finding->why, tracked);
		command_append(finding->why, "; untracked they would pass");
	} else {
		command_append(finding->why, "tracked, %s are ", who);
		put_end(finding->why, tracked);
		command_append(finding->why, "; untracked they would be ");
		put_end(finding->why, untracked);
	}
	if (tracked->now.fate == RUN_DELIVERED && finding->rule)
		fix_fate(service, tracked->packet, untracked, finding);
	else
		command_append(finding->fix,
			       "let the rule not ask for tracking, or keep %s tracked",
			       name);
}

static const char *const WHYS[] = {
	[RUN_DNAT] = "the destination is translated, which untracked packets never are",
	[RUN_SNAT] = "the source is translated, which untracked packets never are",
	[RUN_MASQUERADE] = "the source is masqueraded, which untracked packets never are",
	[RUN_REDIRECT] = "packets are redirected, which untracked packets never are",
	[RUN_TPROXY] =
		"one of tracked and untracked packets goes to a transparent proxy, "
		"the other does not",
	[RUN_SYNPROXY] =
		"one of tracked and untracked packets goes to the SYN proxy, the "
		"other does not",
	[RUN_QUEUE] = "one of tracked and untracked packets goes to a queue, the other "
		      "does not",
	[RUN_COPY] = "one of tracked and untracked packets is copied, the other is not",
	[RUN_FORWARD] = "one of tracked and untracked packets is sent elsewhere, the "
			"other is not",
	[RUN_REWRITE] =
		"one of tracked and untracked packets is rewritten, the other is not",
	[RUN_CLASSIFY] =
		"one of tracked and untracked packets is classified, the other is not",
	[RUN_SET_CHANGE] = "one of tracked and untracked packets is put into a set, or "
			   "counted there, the other is not",
	[RUN_USES_UP] = "one of tracked and untracked packets uses up a limit that other "
			"rules ask, too, the other does not",
	[RUN_HELPER] = "a connection tracking helper reads this service's packets",
	[RUN_TIMEOUT] = "the connection's timeout is set here: untracked there is none",
	[RUN_EXPECT] = "further connections are expected for this one",
	[RUN_CT_MARK] = "the connection is marked here: untracked it cannot be",
	[RUN_CT_OTHER] = "the connection is labelled here: untracked it cannot be",
	[RUN_ZONE] = "packets are given a conntrack zone or template here",
	[RUN_OFFLOAD] = "the connection is offloaded to a flowtable",
	[RUN_NOTRACK] = "packets of the service are untracked already",
	[RUN_OPAQUE] = "the rule has something that ctrules does not understand",
};

/* Not more than this host's own packets, if it is about these: others may need to be translated. */
static void put_origin(struct finding *finding, enum run_effect_kind kind)
{
	bool compat = finding->rule->compat;
	bool source = kind == RUN_SNAT || kind == RUN_MASQUERADE;

	if (finding->way == PACKET_LOOPS)
		command_append(finding->fix, compat ? "-o lo " : "oif lo ");
	else if (finding->way == PACKET_LEAVES && source)
		command_append(finding->fix, compat ? "-m addrtype --src-type LOCAL "
						    : "fib saddr type local ");
}

static void fix_effect(const struct service *service, enum run_effect_kind kind,
		       struct finding *finding)
{
	char name[SERVICE_TEXT_MAX];

	service_format(service, name);
	/* The kinds of NAT are the first. */
	if (kind <= RUN_REDIRECT && finding->rule) {
		command_append(
			finding->fix,
			"keep %s tracked; or, if it is not to be translated: ", name);
		command_insert(finding->fix, finding);
		put_origin(finding, kind);
		if (finding->rule->compat) {
			command_options(finding->fix, service, finding->request);
			command_append(finding->fix, " -j ACCEPT");
		} else {
			command_match(finding->fix, service, finding->request);
			command_append(finding->fix, " accept");
		}
	} else if (finding->severity == FINDING_BLOCKER) {
		command_append(finding->fix,
			       "let the rule not match %s, or keep it tracked", name);
	}
}

void advice_effect(const struct service *service, const struct run *doer, unsigned effect,
		   struct finding *finding)
{
	enum run_effect_kind kind = doer->effect[effect].kind;

	command_append(finding->why, "%s", WHYS[kind]);
	fix_effect(service, kind, finding);
}
