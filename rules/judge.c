// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/judge.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include <linux/netfilter.h>

#include "lib/nl.h"
#include "rules/advice.h"
#include "rules/answers.h"
#include "rules/audit.h"
#include "rules/command.h"
#include "rules/quote.h"
#include "rules/snapshot.h"
#include "rules/survey.h"
#include "rules/translated.h"
#include "rules/twin.h"

int evidence_read(struct nl *nl, struct evidence *out)
{
	struct nl *route = NULL;
	int err = nl_open(&route, NETLINK_ROUTE);

	if (!err)
		err = snapshot_read(nl, out->until_ns, &out->model);
	if (!err)
		err = survey_read(route, out->legacy, &out->host);
	nl_close(route);
	if (err)
		evidence_clear(out);
	return err;
}

void evidence_clear(struct evidence *evidence)
{
	model_clear(&evidence->model);
	surroundings_clear(&evidence->host);
}

/*
 * Ports that helpers watch by themselves where net.netfilter.nf_conntrack_helper is on: FTP, TFTP,
 * NetBIOS, SNMP, H.323 (RAS, Q.931), PPTP, SIP, SANE, IRC, Amanda.
 */
static const struct {
	uint8_t proto;
	uint16_t port;
} HELPED[] = {
	{ IPPROTO_TCP, 21 },   { IPPROTO_UDP, 69 },   { IPPROTO_UDP, 137 },
	{ IPPROTO_UDP, 161 },  { IPPROTO_UDP, 1719 }, { IPPROTO_TCP, 1720 },
	{ IPPROTO_TCP, 1723 }, { IPPROTO_TCP, 5060 }, { IPPROTO_UDP, 5060 },
	{ IPPROTO_TCP, 6566 }, { IPPROTO_TCP, 6667 }, { IPPROTO_UDP, 10080 },
};

static void note_helpers(const struct surroundings *host, struct audit *out)
{
	const struct service *service = &out->service;

	for (size_t i = 0; host->auto_helpers && i < sizeof(HELPED) / sizeof(HELPED[0]);
	     i++)
		if (HELPED[i].proto == service->proto &&
		    HELPED[i].port >= service->first_port &&
		    HELPED[i].port <= service->last_port)
			audit_note(
				out, "helper", FINDING_DIFFERENCE, FINDING_BLOCKER,
				"net.netfilter.nf_conntrack_helper is on, and a helper "
				"may read this port's packets",
				"sysctl -w net.netfilter.nf_conntrack_helper=0");
}

/* Packets that come through a bridge with connection tracking are tracked before our rules. */
static void note_bridge(const struct evidence *evidence, struct audit *out)
{
	const struct model_chain *chain = evidence->model.chains;

	if (!evidence->host.bridge)
		return;
	while (chain && !(chain->base && chain->table->family == NFPROTO_BRIDGE &&
			  chain->effects & MODEL_ASKS_CT))
		chain = chain->next;
	if (chain)
		audit_note(out, "bridge", FINDING_UNJUDGED, FINDING_BLOCKER,
			   "rules of family bridge ask for tracking: packets that come "
			   "through a bridge are tracked before they could be untracked",
			   "let the bridge's rules not ask for tracking");
}

/* Somebody else's rule in a chain of ours: what it does to packets before they get to our rules is not walked. */
static void note_foreign(const struct evidence *evidence, struct audit *out)
{
	struct finding finding = { .code = "opaque",
				   .weight = FINDING_UNJUDGED,
				   .severity = FINDING_BLOCKER,
				   .rule = evidence->model.foreign };

	if (!finding.rule)
		return;
	finding.chain = finding.rule->chain;
	advice_plain(&finding, "somebody else has put a rule into a chain of ctrules'",
		     "put it into a table of its own");
	audit_add(out, &finding);
}

/* An address that makes that no packet is the service's. Addresses come and go: no reason for a verdict. */
static void note_address(const struct surroundings *host, struct audit *out)
{
	const struct service *service = &out->service;
	bool v4 = service->family == AF_INET, ours;
	const struct ranges *local = v4 ? &host->local4 : &host->local6;

	if (service->family == AF_UNSPEC || !local->count)
		return;
	ours = ranges_have(local,
			   wide_read(&service->addr, v4 ? sizeof(struct in_addr)
							: sizeof(struct in6_addr)));
	if (!ours && !service->outbound)
		audit_note(out, "address", FINDING_HARMLESS, FINDING_INFO,
			   "the address is not one of this host: as long as that is so, "
			   "no packet is the service's",
			   "");
	else if (ours && service->outbound)
		audit_note(out, "address", FINDING_HARMLESS, FINDING_INFO,
			   "the address is one of this host: what goes there stays here, "
			   "and is for the service without out:",
			   "");
}

/* Tables that are left with nothing but policies that accept are in nobody's way. */
static const char LEGACY_FIX4[] = "move them to nf_tables (iptables-legacy-save | "
				  "iptables-nft-restore); then empty them: "
				  "iptables-legacy -t TABLE -F and -P CHAIN ACCEPT";
static const char LEGACY_FIX6[] =
	"move them to nf_tables (ip6tables-legacy-save | ip6tables-nft-restore); then "
	"empty "
	"them: ip6tables-legacy -t TABLE -F and -P CHAIN ACCEPT";

/* Things about the host that are no rule of nf_tables. */
static void note_host(const struct surroundings *host, struct audit *out)
{
	if (host->legacy4 || host->legacy6)
		audit_note(out, "legacy", FINDING_UNJUDGED, FINDING_BLOCKER,
			   "iptables-legacy has tables here that are not empty, which "
			   "cannot be judged",
			   host->legacy4 ? LEGACY_FIX4 : LEGACY_FIX6);
	else if (host->legacy_hidden)
		audit_note(out, "legacy", FINDING_UNJUDGED, FINDING_BLOCKER,
			   "whether iptables-legacy has tables here cannot be seen",
			   "audit as root");
	if (host->ipvs)
		audit_note(out, "ipvs", FINDING_HARMLESS, FINDING_INFO,
			   "there are IPVS services: what IPVS does is not looked at",
			   "");
	if (host->ovs)
		audit_note(out, "ovs", FINDING_HARMLESS, FINDING_INFO,
			   "there is an Open vSwitch: what it does is not looked at", "");
	if (host->filters)
		audit_note(
			out, "tc", FINDING_HARMLESS, FINDING_INFO,
			"traffic control may have filters, such as BPF programs, at an "
			"interface: what they do is not looked at",
			"");
	if (host->xdp)
		audit_note(
			out, "ebpf", FINDING_HARMLESS, FINDING_INFO,
			"an interface has an XDP program: what it does is not looked at",
			"");
}

void judge_translated(unsigned count, int err, struct audit *out)
{
	char why[FINDING_TEXT_MAX];

	if (count) {
		snprintf(why, sizeof(why),
			 "%s of its connections in the table %s translated: untracked, "
			 "they would break",
			 count == 1 ? "one" : "some", count == 1 ? "is" : "are");
		audit_note(out, "live-nat", FINDING_DIFFERENCE, FINDING_BLOCKER, why,
			   "keep the service tracked");
	} else if (err && err != -EINVAL && err != -EOPNOTSUPP) {
		/* Those say that the kernel has no ctnetlink. */
		audit_note(out, "live-nat", FINDING_UNJUDGED, FINDING_BLOCKER,
			   "the connections in the table could not be read", "try again");
	}
}

int judge_by_evidence(const struct evidence *evidence, const struct service *service,
		      const struct audit_listener *listener, struct audit *out)
{
	int err = audit_service(&evidence->model, &evidence->host, service, AUDIT_STEPS,
				listener, out);

	if (err)
		return err;
	note_host(&evidence->host, out);
	note_address(&evidence->host, out);
	note_helpers(&evidence->host, out);
	note_bridge(evidence, out);
	note_foreign(evidence, out);
	return 0;
}

static bool is_found(const char *code, const struct audit *audit)
{
	size_t i = 0;

	while (i < audit->count && strcmp(audit->finding[i].code, code) != 0)
		i++;
	return i < audit->count;
}

/* Programs that choose their ports themselves, if they have asked lately. */
static void note_chosen(struct nl *nl, const struct evidence *evidence, struct audit *out)
{
	char why[FINDING_TEXT_MAX] = "";
	unsigned count = 0;

	/* What cannot be read is as if there were none: that there may be some is said. */
	if (translated_chosen(nl, &evidence->host, &out->service, &count) || !count)
		return;
	command_append(why, "%u of its connections in the table come from ports beyond ",
		       count);
	answers_put_ports(&evidence->host, why);
	command_append(why,
		       ", which programs here have chosen themselves: they would get no "
		       "answers");
	audit_note(out, "live-port", FINDING_DIFFERENCE, FINDING_BLOCKER, why,
		   "set net.ipv4.ip_local_port_range to what these choose, or keep the "
		   "service tracked");
}

int judge_service(struct nl *nl, const struct evidence *evidence,
		  const struct service *service, const struct audit_listener *listener,
		  struct audit *out)
{
	int err = judge_by_evidence(evidence, service, listener, out);
	unsigned count = 0;

	if (err)
		return err;
	err = translated_count(nl, &evidence->host, service, 1, &count);
	judge_translated(count, err, out);
	if (is_found("chosen-port", out))
		note_chosen(nl, evidence, out);
	return 0;
}

static bool blames_rules(const struct audit *audit)
{
	for (size_t i = 0; i < audit->count; i++)
		if (audit->finding[i].rule)
			return true;
	return false;
}

void judge_word(const struct quote *quote, struct audit *audit)
{
	for (size_t i = 0; i < audit->count; i++) {
		struct finding *finding = &audit->finding[i];

		if (!finding->rule)
			continue;
		quote_rule(quote, finding->rule, finding->rule_text,
			   sizeof(finding->rule_text));
		twin_reword(&audit->service, finding);
	}
}

void judge_quote(struct audit *audit)
{
	struct quote *quote = NULL;

	if (!blames_rules(audit))
		return;
	audit->unquoted = quote_open(&quote);
	if (audit->unquoted)
		return;
	judge_word(quote, audit);
	quote_close(quote);
}
