// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/xtables.h"

#include <linux/netfilter/xt_CT.h>
#include <stddef.h>
#include <string.h>

#include "rules/model.h"

struct extension {
	const char *name;
	unsigned effects;
};

/*
 * net/netfilter/xt_*.c, net/ipv4/netfilter/ipt_*.c, net/ipv6/netfilter/ip6t_*.c. Of matches those
 * change something that remember the packet or mark it; what they use up matters where it is
 * shared (rules/limits.h).
 */
static const struct extension MATCHES[] = {
	{ "addrtype", 0 },
	{ "ah", 0 },
	{ "bpf", 0 },
	{ "cgroup", 0 },
	{ "cluster", MODEL_ASKS_CT },
	{ "comment", 0 },
	{ "connbytes", MODEL_ASKS_CT },
	{ "connlabel", MODEL_ASKS_CT },
	{ "connlimit", MODEL_ASKS_CT },
	{ "connmark", MODEL_ASKS_CT },
	{ "conntrack", MODEL_ASKS_CT },
	{ "cpu", 0 },
	{ "dccp", 0 },
	{ "devgroup", 0 },
	{ "dscp", 0 },
	{ "dst", 0 },
	{ "ecn", 0 },
	{ "esp", 0 },
	{ "eui64", 0 },
	{ "frag", 0 },
	{ "hashlimit", MODEL_CHANGES },
	{ "hbh", 0 },
	{ "helper", MODEL_ASKS_CT },
	{ "hl", 0 },
	{ "icmp", 0 },
	{ "icmp6", 0 },
	{ "iprange", 0 },
	{ "ipv6header", 0 },
	{ "ipvs", MODEL_ASKS_CT },
	{ "length", 0 },
	{ "limit", 0 },
	{ "mac", 0 },
	{ "mark", 0 },
	{ "mh", 0 },
	{ "multiport", 0 },
	{ "nfacct", 0 },
	{ "osf", 0 },
	{ "owner", 0 },
	{ "physdev", 0 },
	{ "pkttype", 0 },
	{ "policy", 0 },
	{ "quota", 0 },
	{ "realm", 0 },
	{ "recent", MODEL_CHANGES },
	{ "rpfilter", 0 },
	{ "rt", 0 },
	{ "sctp", 0 },
	{ "set", 0 },
	{ "socket", MODEL_CHANGES },
	{ "srh", 0 },
	{ "state", MODEL_ASKS_CT },
	{ "statistic", 0 },
	{ "string", 0 },
	{ "tcp", 0 },
	{ "tcpmss", 0 },
	{ "time", 0 },
	{ "tos", 0 },
	{ "ttl", 0 },
	{ "u32", 0 },
	{ "udp", 0 },
	{ NULL, 0 },
};

static const struct extension TARGETS[] = {
	{ "AUDIT", 0 },
	{ "CHECKSUM", 0 },
	{ "CLASSIFY", MODEL_CHANGES },
	{ "CONNMARK", MODEL_CHANGES | MODEL_ASKS_CT },
	{ "CONNSECMARK", MODEL_CHANGES | MODEL_ASKS_CT },
	{ "CT", MODEL_CHANGES | MODEL_ASKS_CT },
	{ "DNAT", MODEL_TRANSLATES },
	{ "DNPT", MODEL_CHANGES },
	{ "DSCP", MODEL_CHANGES },
	{ "ECN", MODEL_CHANGES },
	{ "HL", MODEL_CHANGES },
	{ "HMARK", MODEL_CHANGES },
	{ "IDLETIMER", 0 },
	{ "LED", 0 },
	{ "LOG", 0 },
	{ "MARK", MODEL_CHANGES },
	{ "MASQUERADE", MODEL_TRANSLATES },
	{ "NETMAP", MODEL_TRANSLATES },
	{ "NFLOG", 0 },
	{ "NFQUEUE", MODEL_DECIDES | MODEL_CHANGES },
	{ "NOTRACK", MODEL_CHANGES | MODEL_ASKS_CT },
	{ "RATEEST", 0 },
	{ "REDIRECT", MODEL_TRANSLATES },
	{ "REJECT", MODEL_DECIDES | MODEL_REFUSES },
	{ "SECMARK", MODEL_CHANGES },
	{ "SET", MODEL_CHANGES },
	{ "SNAT", MODEL_TRANSLATES },
	{ "SNPT", MODEL_CHANGES },
	{ "SYNPROXY", MODEL_DECIDES | MODEL_REFUSES | MODEL_CHANGES | MODEL_ASKS_CT },
	{ "TCPMSS", MODEL_CHANGES },
	{ "TCPOPTSTRIP", MODEL_CHANGES },
	{ "TEE", MODEL_CHANGES },
	{ "TOS", MODEL_CHANGES },
	{ "TPROXY", MODEL_DECIDES | MODEL_CHANGES },
	{ "TRACE", 0 },
	{ "TTL", MODEL_CHANGES },
	{ "ULOG", 0 },
	{ NULL, 0 },
};

unsigned xtables_unknown_effects(void)
{
	return MODEL_DECIDES | MODEL_CHANGES | MODEL_TRANSLATES | MODEL_REFUSES |
	       MODEL_ASKS_CT;
}

static unsigned find(const struct extension *list, const char *name)
{
	while (list->name && strcmp(list->name, name) != 0)
		list++;
	return list->name ? list->effects : xtables_unknown_effects();
}

unsigned xtables_match_effects(const char *name)
{
	return find(MATCHES, name);
}

unsigned xtables_target_effects(const char *name)
{
	return find(TARGETS, name);
}

bool xtables_gives_helper(const struct model_data *info)
{
	/* All revisions begin alike. */
	const size_t at = offsetof(struct xt_ct_target_info, helper);

	return info->bytes > at && info->at[at] != '\0';
}
