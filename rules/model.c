// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/model.h"

#include <linux/netfilter.h>
#include <string.h>

/* As the kernel has them, of any bytes: what is printed is cleaned there (rules/report.c). */
static const char *copy_name(struct model *model, const char *name)
{
	return arena_copy(&model->arena, name, strlen(name));
}

struct model_table *model_add_table(struct model *model, uint8_t family, const char *name)
{
	struct model_table *table = arena_take(&model->arena, sizeof(*table));

	if (!table || model->table_count == MODEL_TABLES_MAX)
		return NULL;
	table->name = copy_name(model, name);
	if (!table->name)
		return NULL;
	table->family = family;
	if (model->last_table)
		model->last_table->next = table;
	else
		model->tables = table;
	model->last_table = table;
	model->table_count++;
	return table;
}

struct model_chain *model_add_chain(struct model *model, const struct model_table *table,
				    const char *name)
{
	struct model_chain *chain = arena_take(&model->arena, sizeof(*chain));

	if (!chain || model->chain_count == MODEL_CHAINS_MAX)
		return NULL;
	chain->name = copy_name(model, name);
	if (!chain->name)
		return NULL;
	chain->table = table;
	chain->order = (unsigned)model->chain_count;
	if (model->last_chain)
		model->last_chain->next = chain;
	else
		model->chains = chain;
	model->last_chain = chain;
	model->chain_count++;
	return chain;
}

struct model_rule *model_add_rule(struct model *model, struct model_chain *chain,
				  uint64_t handle)
{
	struct model_rule *rule = arena_take(&model->arena, sizeof(*rule));

	if (!rule || model->rule_count == MODEL_RULES_MAX)
		return NULL;
	rule->chain = chain;
	rule->handle = handle;
	rule->number = chain->last ? chain->last->number + 1 : 1;
	if (chain->last)
		chain->last->next = rule;
	else
		chain->rules = rule;
	chain->last = rule;
	model->rule_count++;
	return rule;
}

struct model_expr *model_add_expr(struct model *model, struct model_rule *rule)
{
	struct model_expr *expr = arena_take(&model->arena, sizeof(*expr));
	struct model_expr **end = &rule->exprs;

	if (!expr)
		return NULL;
	expr->source = expr->source2 = expr->to = MODEL_NO_REGISTER;
	while (*end)
		end = &(*end)->next;
	*end = expr;
	return expr;
}

struct model_set *model_add_set(struct model *model, const struct model_table *table,
				const char *name)
{
	struct model_set *set = arena_take(&model->arena, sizeof(*set));

	if (!set || model->set_count == MODEL_SETS_MAX)
		return NULL;
	set->name = copy_name(model, name);
	if (!set->name)
		return NULL;
	set->table = table;
	if (model->last_set)
		model->last_set->next = set;
	else
		model->sets = set;
	model->last_set = set;
	model->set_count++;
	return set;
}

struct model_object *model_add_object(struct model *model,
				      const struct model_table *table, const char *name)
{
	struct model_object *object = arena_take(&model->arena, sizeof(*object));

	if (!object)
		return NULL;
	object->name = copy_name(model, name);
	if (!object->name)
		return NULL;
	object->table = table;
	object->next = model->objects;
	model->objects = object;
	return object;
}

struct model_raw *model_add_elem(struct model *model, struct model_set *set)
{
	struct model_raw *raw = arena_take(&model->arena, sizeof(*raw));

	if (!raw || model->elem_count == MODEL_ELEMS_MAX)
		return NULL;
	raw->next = set->raw;
	set->raw = raw;
	model->elem_count++;
	return raw;
}

const struct model_expr *model_nested(const struct model_expr *expr)
{
	if (expr->kind == MODEL_DYNSET)
		return expr->nested;
	return expr->set ? expr->set->statements : NULL;
}

bool model_matters(const struct model_chain *chain)
{
	/*
	 * To accept, to jump or to ask is nothing by itself: the packet goes on all the
	 * same.
	 */
	return chain->drops ||
	       chain->effects & (MODEL_CHANGES | MODEL_REFUSES | MODEL_TRANSLATES);
}

struct model_table *model_find_table(const struct model *model, uint8_t family,
				     const char *name)
{
	struct model_table *table = model->tables;

	while (table && (table->family != family || strcmp(table->name, name) != 0))
		table = table->next;
	return table;
}

struct model_chain *model_find_chain(const struct model *model,
				     const struct model_table *table, const char *name)
{
	struct model_chain *chain = model->chains;

	while (chain && (chain->table != table || strcmp(chain->name, name) != 0))
		chain = chain->next;
	return chain;
}

struct model_set *model_find_set(const struct model *model,
				 const struct model_table *table, const char *name)
{
	struct model_set *set = model->sets;

	while (set && (set->table != table || strcmp(set->name, name) != 0))
		set = set->next;
	return set;
}

void model_clear(struct model *model)
{
	arena_free(&model->arena);
	*model = (struct model){ 0 };
}

const char *model_family_name(uint8_t family)
{
	switch (family) {
	case NFPROTO_IPV4: return "ip";
	case NFPROTO_IPV6: return "ip6";
	case NFPROTO_INET: return "inet";
	case NFPROTO_ARP: return "arp";
	case NFPROTO_BRIDGE: return "bridge";
	case NFPROTO_NETDEV: return "netdev";
	default: return "unknown";
	}
}
