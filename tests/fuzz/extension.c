// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One match or target of xtables in each base chain that a service's packets pass: whatever it
 * carries, it is not read out of bounds, and the audit comes to an end.
 */
#include <assert.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#include <linux/netfilter.h>

#include "rules/audit.h"
#include "rules/judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS = 5000 };

static const char *const NAMES[] = {
	"addrtype", "connlimit", "connmark", "conntrack", "dscp",       "iprange",
	"length",   "limit",     "mark",     "multiport", "owner",      "physdev",
	"set",      "socket",    "state",    "tcp",       "tcpmss",     "tos",
	"ttl",      "hl",        "udp",      "u32",       "statistic",  "recent",
	"icmp",     "icmp6",     "helper",   "cluster",   "mac",        "pkttype",
	"CONNMARK", "CT",        "DNAT",     "MARK",      "MASQUERADE", "NETMAP",
	"NFQUEUE",  "NOTRACK",   "REDIRECT", "REJECT",    "SET",        "SNAT",
	"SYNPROXY", "TCPMSS",    "TOS",      "TPROXY",    "LOG",        "HMARK",
};

enum { NAME_COUNT = sizeof(NAMES) / sizeof(NAMES[0]), HEAD = 4 };

/* What the input says first. */
struct head {
	uint8_t name, revision, family, kind;
};

static void put(struct model *model, struct model_rule *rule, const struct head *head,
		const uint8_t *data, size_t size)
{
	struct model_expr *expr = model_add_expr(model, rule);

	assert(expr);
	expr->name = head->kind & 1 ? "target" : "match";
	expr->kind = head->kind & 1 ? MODEL_TARGET : MODEL_MATCH;
	expr->object = NAMES[head->name % NAME_COUNT];
	expr->number[0] = head->revision;
	expr->given = 1;
	expr->value = (struct model_data){ arena_copy(&model->arena, data, size), size };
}

static void drop(struct model *model, struct model_rule *rule)
{
	struct model_expr *expr = model_add_expr(model, rule);

	assert(expr);
	expr->kind = MODEL_IMMEDIATE;
	expr->name = "immediate";
	expr->is_verdict = true;
	expr->verdict.code = MODEL_DROP;
	expr->to = MODEL_VERDICT_REGISTER;
}

static void add_chain(struct model *model, const struct model_table *table, uint32_t hook,
		      const struct head *head, const uint8_t *data, size_t size)
{
	struct model_chain *chain = model_add_chain(model, table, "c");
	struct model_rule *rule;

	assert(chain);
	chain->base = true;
	chain->hook = hook;
	chain->type = head->kind & 2 ? MODEL_TYPE_NAT : MODEL_TYPE_FILTER;
	chain->priority = head->kind & 4 ? -150 : 0;
	rule = model_add_rule(model, chain, hook + 1);
	assert(rule);
	put(model, rule, head, data, size);
	if (!(head->kind & 1))
		drop(model, rule);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t FAMILIES[] = { NFPROTO_IPV4, NFPROTO_IPV6, NFPROTO_INET };
	static struct audit audit;
	struct service service = { .first_port = 9000, .last_port = 9000 };
	struct evidence evidence = { .model = { .generation = 1 } };
	const struct model_table *table;
	struct head head;

	if (size < HEAD)
		return 0;
	memcpy(&head, data, HEAD);
	service.proto = head.kind & 8 ? IPPROTO_TCP : IPPROTO_UDP;
	table = model_add_table(&evidence.model, FAMILIES[head.family % sizeof(FAMILIES)],
				"t");
	assert(table);
	for (uint32_t hook = 0; hook < NF_INET_NUMHOOKS; hook++)
		add_chain(&evidence.model, table, hook, &head, data + HEAD, size - HEAD);
	if (model_complete(&evidence.model) == 0)
		audit_service(&evidence.model, &evidence.host, &service, STEPS, NULL,
			      &audit);
	evidence_clear(&evidence);
	return 0;
}
