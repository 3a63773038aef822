// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/detours.h"

/* Before the headers of the kernel, which define the same otherwise. */
#include <netinet/in.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <stdbool.h>
#include <string.h>

#include "rules/model.h"

enum { PORT_BYTES = 2, HTTP = 80 };

static void add(struct detours *out, uint16_t port)
{
	for (size_t i = 0; i < out->count; i++)
		if (out->port[i] == port)
			return;
	if (out->count < DETOURS_MAX)
		out->port[out->count++] = port;
}

static void add_bytes(struct detours *out, const struct model_data *key)
{
	if (key->bytes == PORT_BYTES)
		add(out, (uint16_t)(key->at[0] << 8 | key->at[1]));
}

/* What the port is compared with, once it is loaded. */
static void add_compared(struct detours *out, const struct model_expr *expr)
{
	if (expr && expr->kind == MODEL_CMP && expr->number[0] == NFT_CMP_EQ)
		add_bytes(out, &expr->value);
	else if (expr && expr->kind == MODEL_RANGE)
		add_bytes(out, &expr->value);
	else if (expr && expr->kind == MODEL_LOOKUP && expr->set)
		for (size_t i = 0; i < expr->set->count; i++)
			add_bytes(out, &expr->set->elems[i].key);
}

/* Of iptables: struct xt_tcp and struct xt_udp begin alike. */
static void add_matched(struct detours *out, const struct model_expr *expr)
{
	struct xt_multiport ports = { 0 };
	struct xt_udp udp;

	if (strcmp(expr->object, "multiport") == 0) {
		if (expr->value.bytes >= sizeof(ports))
			memcpy(&ports, expr->value.at, sizeof(ports));
		for (size_t i = 0; i < ports.count && i < XT_MULTI_PORTS; i++)
			add(out, ports.ports[i]);
	} else if (strcmp(expr->object, "tcp") == 0 || strcmp(expr->object, "udp") == 0) {
		if (expr->value.bytes < sizeof(udp))
			return;
		memcpy(&udp, expr->value.at, sizeof(udp));
		/* From 0 on are all ports: none is named. */
		if (udp.dpts[0])
			add(out, udp.dpts[0]);
	}
}

static void add_rule(struct detours *out, const struct model_rule *rule)
{
	for (const struct model_expr *expr = rule->exprs; expr; expr = expr->next) {
		if (expr->kind == MODEL_PAYLOAD &&
		    expr->number[0] == NFT_PAYLOAD_TRANSPORT_HEADER &&
		    expr->number[1] == PORT_BYTES && expr->number[2] == PORT_BYTES)
			add_compared(out, expr->next);
		else if (expr->kind == MODEL_MATCH)
			add_matched(out, expr);
	}
}

static bool turns(const struct model_chain *chain)
{
	return chain->base && chain->type == MODEL_TYPE_NAT &&
	       chain->hook == NF_INET_LOCAL_OUT && chain->effects & MODEL_TRANSLATES;
}

/* Jumps stay in the table. */
static void add_table(struct detours *out, const struct model *model,
		      const struct model_table *table)
{
	for (const struct model_chain *chain = model->chains; chain; chain = chain->next)
		for (const struct model_rule *rule = chain->rules;
		     rule && chain->table == table; rule = rule->next)
			if (rule->effects & MODEL_TRANSLATES)
				add_rule(out, rule);
}

void detours_find(const struct model *model, struct detours *out)
{
	bool found = false;

	*out = (struct detours){ .count = 0 };
	for (const struct model_chain *chain = model->chains; chain;
	     chain = chain->next) {
		if (!turns(chain))
			continue;
		found = true;
		add_table(out, model, chain->table);
	}
	if (found && !out->count)
		add(out, HTTP);
}
