/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_DEMAND_H
#define CONNTRACK_DEMAND_H

#include <stdbool.h>
#include <stdint.h>

struct nl;
struct nlmsghdr;
struct text;

/* The name of a table with its family: "inet firewall". */
enum { DEMAND_TABLE_MAX = 64, DEMAND_DOUBT_MAX = 240 };

/*
 * What in this network namespace's rules makes the kernel track connections: it does so, by family,
 * as soon as a rule is loaded that needs it, wherever that is (net/netfilter/nf_conntrack_proto.c,
 * nf_ct_netns_get). Of nf_tables all rules are known, those of iptables-nft too; of
 * iptables-legacy only whether there are tables. IPVS and Open vSwitch are not seen here.
 */
struct demand {
	bool known;     /* nf_tables could be read */
	uint32_t rules; /* of nf_tables, all */
	uint32_t v4,
		v6; /* those that need tracking, by family; of inet and others in both */
	uint32_t exempt;                 /* those that take packets out of it */
	char needs_in[DEMAND_TABLE_MAX]; /* the table of the last such */
	char exempts_in[DEMAND_TABLE_MAX];
	char legacy
		[DEMAND_TABLE_MAX]; /* tables of iptables-legacy, as far as they can be seen */
};

/* Reads it. What cannot be read is not known. */
void demand_read(struct nl *nl, struct demand *out);

/* Counts the rule of one NFT_MSG_NEWRULE message. One that is malformed counts as a rule. */
void demand_add_rule(struct demand *demand, const struct nlmsghdr *message);

/* Why nothing is tracked, and what would change that: sentences, each on a line with indent. */
void demand_explain(const struct demand *demand, const char *indent, struct text *text);

/*
 * Why a probe over IPv4 and loopback left no entry although a rule needs tracking. Returns false if
 * none does.
 */
bool demand_doubt(const struct demand *demand, char text[DEMAND_DOUBT_MAX]);

#endif
