// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/advice.h"
#include "rules/run.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "rules/finding.h"

enum { NAME_MAX_BYTES = 80 };

static const char ICMP4[] =
	"icmp type { destination-unreachable, time-exceeded, parameter-problem }";
static const char ICMP6[] = "icmpv6 type { destination-unreachable, packet-too-big, "
			    "time-exceeded, parameter-problem }";

/* What there is room for. */
static void append(char *text, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static void append(char *text, const char *fmt, ...)
{
	size_t used = strlen(text);
	va_list args;

	va_start(args, fmt);
	vsnprintf(text + used, FINDING_TEXT_MAX - used, fmt, args);
	va_end(args);
}

void advice_plain(struct finding *finding, const char *why, const char *fix)
{
	snprintf(finding->why, sizeof(finding->why), "%s", why);
	snprintf(finding->fix, sizeof(finding->fix), "%s", fix);
}

static void put_ports(char *text, const struct service *service, char dash)
{
	append(text, "%u", service->first_port);
	if (service->last_port != service->first_port)
		append(text, "%c%u", dash, service->last_port);
}

/* "ip daddr 192.0.2.1 udp dport 9000": the packets of the finding, as nft says it. */
static void put_match(char *text, const struct service *service, bool request)
{
	char address[INET6_ADDRSTRLEN];

	if (service->family != AF_UNSPEC) {
		inet_ntop(service->family, &service->addr, address, sizeof(address));
		append(text, "%s %s %s ", service->family == AF_INET ? "ip" : "ip6",
		       request ? "daddr" : "saddr", address);
	}
	append(text, "%s %s ", service_proto_name(service->proto),
	       request ? "dport" : "sport");
	put_ports(text, service, '-');
}

/* The same for iptables. */
static void put_options(char *text, const struct service *service, bool request)
{
	char address[INET6_ADDRSTRLEN];

	if (service->family != AF_UNSPEC) {
		inet_ntop(service->family, &service->addr, address, sizeof(address));
		append(text, "%s %s ", request ? "-d" : "-s", address);
	}
	append(text, "-p %s --%s ", service_proto_name(service->proto),
	       request ? "dport" : "sport");
	put_ports(text, service, ':');
}

/* A command that puts a rule before the finding's, up to where its words begin. */
static void put_insert(char *text, const struct finding *finding)
{
	const struct model_rule *rule = finding->rule;
	const struct model_table *table = rule->chain->table;

	if (rule->compat)
		append(text, "%s -t %s -I %s %u ",
		       table->family == NFPROTO_IPV6 ? "ip6tables" : "iptables",
		       table->name, rule->chain->name, rule->number);
	else
		append(text, "nft insert rule %s %s %s handle %llu ",
		       model_family_name(table->family), table->name, rule->chain->name,
		       (unsigned long long)rule->handle);
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
		append(finding->fix, "%s", finding->fix[0] ? "; " : "");
		put_insert(finding->fix, finding);
		append(finding->fix, "-p %s %s -j ACCEPT",
		       v6 ? "ipv6-icmp --icmpv6-type" : "icmp --icmp-type", *type);
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
		put_insert(finding->fix, finding);
		append(finding->fix, "%s accept", ICMP4);
	}
	if (family != NFPROTO_IPV4) {
		append(finding->fix, "%s", finding->fix[0] ? "; " : "");
		put_insert(finding->fix, finding);
		append(finding->fix, "%s accept", ICMP6);
	}
}

/* Whether a rule of iptables asks for no more than protocol, ports and state. */
static bool is_simple(const struct model_rule *rule)
{
	static const char *const SIMPLE[] = { "conntrack", "state", "udp", "tcp",
					      "comment" };

	for (const struct model_expr *expr = rule->exprs; expr; expr = expr->next) {
		bool simple = false;

		switch (expr->kind) {
		case MODEL_META: simple = expr->number[0] == NFT_META_L4PROTO; break;
		case MODEL_PAYLOAD:
			simple = expr->number[0] == NFT_PAYLOAD_TRANSPORT_HEADER;
			break;
		case MODEL_CMP:
		case MODEL_RANGE:
		case MODEL_COUNTER:
		case MODEL_IMMEDIATE: simple = true; break;
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
		put_insert(finding->fix, finding);
		put_options(finding->fix, service, finding->request);
		append(finding->fix, " -m conntrack --ctstate UNTRACKED -j ACCEPT");
	} else {
		append(finding->fix,
		       "put a copy of rule %u of chain %s (%s -t %s -S) in front of it, "
		       "with --ctstate UNTRACKED",
		       rule->number, rule->chain->name,
		       rule->chain->table->family == NFPROTO_IPV6 ? "ip6tables"
								  : "iptables",
		       rule->chain->table->name);
	}
}

/* Accepting it where its tracked twin is accepted. */
static void fix_accept(const struct service *service, struct finding *finding)
{
	if (finding->error) {
		fix_errors(finding);
		return;
	}
	if (finding->rule->compat) {
		fix_accept_compat(service, finding);
		return;
	}
	put_insert(finding->fix, finding);
	put_match(finding->fix, service, finding->request);
	append(finding->fix, " ct state untracked accept");
}

/* "dropped by the policy of chain input", "rejected by the rule with handle 9". */
static void put_end(char *text, const struct run *run)
{
	append(text, "%s by ", run->fate == RUN_REJECTED ? "rejected" : "dropped");
	if (run->decider)
		append(text, "the rule with handle %llu of chain %s",
		       (unsigned long long)run->decider->handle,
		       run->decider->chain->name);
	else
		append(text, "the policy of chain %s", run->base->name);
}

void advice_fate(const struct service *service, const struct run *tracked,
		 const struct run *untracked, struct finding *finding)
{
	char name[SERVICE_TEXT_MAX];
	const char *who = finding_direction(finding);

	service_format(service, name);
	if (finding->error && tracked->fate == RUN_DELIVERED) {
		append(finding->why,
		       "ICMP errors about untracked packets are not related but invalid, "
		       "and would be ");
		put_end(finding->why, untracked);
		append(finding->why, ", so that path MTU discovery fails");
	} else if (tracked->fate == RUN_DELIVERED) {
		append(finding->why,
		       "%s pass because they are tracked; untracked they would be ", who);
		put_end(finding->why, untracked);
	} else if (untracked->fate == RUN_DELIVERED) {
		append(finding->why, "tracked, %s can be ", who);
		put_end(finding->why, tracked);
		append(finding->why, "; untracked they would pass");
	} else {
		append(finding->why, "tracked, %s are ", who);
		put_end(finding->why, tracked);
		append(finding->why, "; untracked they would be ");
		put_end(finding->why, untracked);
	}
	if (finding->rule && tracked->fate == RUN_DELIVERED)
		fix_accept(service, finding);
	else
		append(finding->fix,
		       "let the rule not ask for tracking, or keep %s tracked", name);
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

static void fix_effect(const struct service *service, enum run_effect_kind kind,
		       struct finding *finding)
{
	char name[SERVICE_TEXT_MAX];

	service_format(service, name);
	if (kind <= RUN_REDIRECT && finding->rule) {
		append(finding->fix,
		       "keep %s tracked; or, if it is not to be translated: ", name);
		put_insert(finding->fix, finding);
		if (finding->rule->compat) {
			put_options(finding->fix, service, finding->request);
			append(finding->fix, " -j ACCEPT");
		} else {
			put_match(finding->fix, service, finding->request);
			append(finding->fix, " accept");
		}
	} else if (finding->severity == FINDING_BLOCKER) {
		append(finding->fix, "let the rule not match %s, or keep it tracked",
		       name);
	}
}

void advice_effect(const struct service *service, const struct run *doer, unsigned effect,
		   struct finding *finding)
{
	enum run_effect_kind kind = doer->effect[effect].kind;

	append(finding->why, "%s", WHYS[kind]);
	fix_effect(service, kind, finding);
}

/* Where the states end that "ct state" is compared with; NULL if they are not just a list. */
static const char *end_of_states(const char *states)
{
	if (states[0] == '{')
		return strchr(states, '}') ? strchr(states, '}') + 1 : NULL;
	if (strncmp(states, "vmap", 4) == 0 || !strchr("einru", states[0]))
		return NULL;
	return states + strcspn(states, " ");
}

void advice_reword(const struct service *service, struct finding *finding)
{
	static const char ASKS[] = "ct state ";
	const char *at = strstr(finding->rule_text, ASKS);
	const char *end = at ? end_of_states(at + sizeof(ASKS) - 1) : NULL;
	bool named = strstr(finding->rule_text, "port ");
	char fix[FINDING_TEXT_MAX] = "";

	if (!end || strcmp(finding->code, "state") != 0 || !finding->rule ||
	    finding->rule->compat || strncmp(finding->fix, "nft insert ", 11) != 0 ||
	    strlen(finding->rule_text) > FINDING_TEXT_MAX / 2)
		return;
	put_insert(fix, finding);
	if (!named) {
		put_match(fix, service, finding->request);
		append(fix, " ");
	}
	append(fix, "%.*sct state untracked%s", (int)(at - finding->rule_text),
	       finding->rule_text, end);
	memcpy(finding->fix, fix, sizeof(fix));
}
