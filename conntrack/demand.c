// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/demand.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>

#include "conntrack/nest.h"
#include "lib/nl.h"
#include "lib/text.h"

/* Expressions of nf_tables, matches and targets of iptables that need tracking. */
static const char *const NEED[] = { "ct",       "nat",       "masq",         "redir",
				    "synproxy", "connlimit", "flow_offload", NULL };
static const char *const NEED_XT[] = {
	"conntrack", "state",       "connmark", "connbytes", "connlimit", "helper",
	"connlabel", "MASQUERADE",  "DNAT",     "SNAT",      "REDIRECT",  "NETMAP",
	"CONNMARK",  "CONNSECMARK", "SYNPROXY", NULL
};
/* CT may do other things, too, but is there for --notrack most often. */
static const char *const EXEMPT_XT[] = { "NOTRACK", "CT", NULL };

/* How often rules that change while they are read are read again. */
enum { READ_TRIES = 3 };

static bool is_one_of(const char *name, const char *const *names)
{
	for (; *names; names++) {
		if (strcmp(name, *names) == 0)
			return true;
	}
	return false;
}

/* What one expression asks of tracking. */
struct asks {
	bool needs;
	bool exempts;
};

/* Objects of tracking: its helpers, timeouts and expectations. */
static bool is_ct_object(const struct nlattr *data)
{
	uint64_t kind;

	if (!nest_number(nest_find(data, NFTA_OBJREF_IMM_TYPE), &kind))
		return false;
	return kind == NFT_OBJECT_CT_HELPER || kind == NFT_OBJECT_CT_TIMEOUT ||
	       kind == NFT_OBJECT_CT_EXPECT;
}

static void note_expression(const struct nlattr *element, struct asks *asks)
{
	const struct nlattr *data = nest_find(element, NFTA_EXPR_DATA);
	const char *name = nest_string(nest_find(element, NFTA_EXPR_NAME));
	const char *of_xt = NULL;

	if (!name)
		return;
	/* A match's and a target's name have the same number. */
	_Static_assert(NFTA_MATCH_NAME == 1 && NFTA_TARGET_NAME == 1,
		       "both are the first");
	if (strcmp(name, "match") == 0 || strcmp(name, "target") == 0)
		of_xt = nest_string(nest_find(data, NFTA_MATCH_NAME));
	asks->needs |= is_one_of(name, NEED) || (of_xt && is_one_of(of_xt, NEED_XT)) ||
		       (strcmp(name, "objref") == 0 && is_ct_object(data));
	asks->exempts |=
		strcmp(name, "notrack") == 0 || (of_xt && is_one_of(of_xt, EXEMPT_XT));
}

static const char *family_name(uint8_t family)
{
	switch (family) {
	case NFPROTO_INET: return "inet";
	case NFPROTO_IPV4: return "ip";
	case NFPROTO_IPV6: return "ip6";
	case NFPROTO_BRIDGE: return "bridge";
	case NFPROTO_NETDEV: return "netdev";
	default: return "arp";
	}
}

static void name_table(uint8_t family, const char *table, char name[DEMAND_TABLE_MAX])
{
	snprintf(name, DEMAND_TABLE_MAX, "%s %.40s", family_name(family), table);
}

void demand_add_rule(struct demand *demand, const struct nlmsghdr *message)
{
	const struct nlattr *elements = nest_first(message, NFTA_RULE_EXPRESSIONS);
	const char *table = nest_string(nest_first(message, NFTA_RULE_TABLE));
	uint8_t family = nest_family(message);
	const struct nlattr *element;
	struct asks asks = { 0 };

	demand->rules++;
	if (!elements)
		return;
	mnl_attr_for_each_nested(element, elements) {
		note_expression(element, &asks);
	}
	if (asks.needs) {
		/* Tables of other families may meet packets of both. */
		demand->v4 += family != NFPROTO_IPV6;
		demand->v6 += family != NFPROTO_IPV4;
		/* One is named for all: the last that was met. */
		name_table(family, table ? table : "?", demand->needs_in);
	}
	if (asks.exempts) {
		demand->exempt++;
		name_table(family, table ? table : "?", demand->exempts_in);
	}
}

static int rule_cb(const struct nlmsghdr *message, void *data)
{
	demand_add_rule(data, message);
	return MNL_CB_OK;
}

/* The names of tables, "filter\nnat\n". Only root may read them. */
static void read_legacy(const char *path, const char *prefix, struct demand *demand)
{
	FILE *file = fopen(path, "re");
	char name[32]; /* XT_TABLE_MAXNAMELEN */

	while (file && fscanf(file, "%31s", name) == 1) {
		size_t length = strlen(demand->legacy);

		snprintf(demand->legacy + length, sizeof(demand->legacy) - length,
			 "%s%s %s", length ? ", " : "", prefix, name);
	}
	if (file)
		fclose(file);
}

void demand_read(struct nl *nl, struct demand *out)
{
	struct demand demand;
	int err = -EINTR;

	for (int i = 0; err == -EINTR && i < READ_TRIES; i++) {
		demand = (struct demand){ 0 };
		nl_begin_nfnl(nl, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETRULE, NLM_F_DUMP,
			      NFPROTO_UNSPEC);
		err = nl_transact(nl, rule_cb, &demand);
	}
	demand.known = !err;
	read_legacy("/proc/net/ip_tables_names", "ip", &demand);
	read_legacy("/proc/net/ip6_tables_names", "ip6", &demand);
	*out = demand;
}

void demand_explain(const struct demand *demand, const char *indent, struct text *text)
{
	if (demand->known && demand->rules)
		text_add(text, "%sOf the %u rules of nf_tables here none needs it.\n",
			 indent, demand->rules);
	else if (demand->known)
		text_add(text, "%sThere are no rules of nf_tables here.\n", indent);
	if (demand->legacy[0])
		text_add(text,
			 "%sThere are tables of iptables-legacy (%s), which are not "
			 "read here.\n",
			 indent, demand->legacy);
	text_add(text,
		 "%sIt comes with the first rule that needs it: nft's ct or nat, "
		 "iptables'\n"
		 "%s-m conntrack or -t nat, IPVS or Open vSwitch.\n",
		 indent, indent);
}

bool demand_doubt(const struct demand *demand, char text[DEMAND_DOUBT_MAX])
{
	if (!demand->v4 && !demand->v6)
		return false;
	if (!demand->v4)
		snprintf(
			text, DEMAND_DOUBT_MAX,
			"only rules of IPv6 need it (table %s); the probe went over IPv4",
			demand->needs_in);
	else if (demand->exempt)
		snprintf(text, DEMAND_DOUBT_MAX,
			 "rules need it (table %s), others exempt packets (table %s), "
			 "maybe "
			 "those of the probe",
			 demand->needs_in, demand->exempts_in);
	else
		snprintf(text, DEMAND_DOUBT_MAX,
			 "rules need it (table %s), but a probe over loopback left no "
			 "entry",
			 demand->needs_in);
	return true;
}
