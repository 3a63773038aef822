// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/limits.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/xt_statistic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "rules/model.h"

/* Notes that the expression leads to the chain; returns whether it is found to be shared now. */
static bool lead(const struct model_expr *expr, bool shared, struct model_chain *chain)
{
	const bool before = chain && chain->shared;

	if (!chain)
		return false;
	chain->shared |= shared || (chain->caller && chain->caller != expr);
	chain->caller = expr;
	return chain->shared != before;
}

static bool lead_by(const struct model_expr *expr, bool shared)
{
	bool more = expr->is_verdict && lead(expr, shared, expr->verdict.chain);

	if (expr->kind != MODEL_LOOKUP || expr->to != MODEL_VERDICT_REGISTER ||
	    !expr->set)
		return more;
	for (size_t i = 0; i < expr->set->count; i++)
		more |= lead(expr, shared, expr->set->elems[i].verdict.chain);
	if (expr->set->rest)
		more |= lead(expr, shared, expr->set->rest->verdict.chain);
	return more;
}

/* "statistic --mode random" remembers nothing. */
static bool is_by_lot(const struct model_expr *expr)
{
	struct xt_statistic_info info;

	if (strcmp(expr->object, "statistic") != 0 ||
	    expr->value.bytes < sizeof(info.mode))
		return false;
	memcpy(&info.mode, expr->value.at, sizeof(info.mode));
	return info.mode == XT_STATISTIC_MODE_RANDOM;
}

/* What a rule has of its own, and packets use up or count. */
static bool is_used_up(const struct model_expr *expr)
{
	static const char *const MATCHES[] = { "hashlimit", "limit", "nfacct", "quota",
					       "statistic" };

	for (size_t i = 0;
	     expr->kind == MODEL_MATCH && i < sizeof(MATCHES) / sizeof(MATCHES[0]); i++)
		if (strcmp(expr->object, MATCHES[i]) == 0)
			return !is_by_lot(expr);
	return expr->kind == MODEL_LIMIT || expr->kind == MODEL_QUOTA ||
	       (expr->kind == MODEL_NUMGEN && expr->number[1] == NFT_NG_INCREMENTAL);
}

/* Returns whether more became known. */
static bool follow(const struct model_chain *chain)
{
	bool more = false;

	for (struct model_rule *rule = chain->rules; rule; rule = rule->next) {
		for (struct model_expr *expr = rule->exprs; expr; expr = expr->next) {
			more |= lead_by(expr, chain->shared);
			expr->shares = chain->shared && is_used_up(expr);
		}
	}
	return more;
}

void limits_find_shared(struct model *model)
{
	bool more = true;

	/* What a shared chain leads to is shared: until nothing is new. */
	while (more) {
		more = false;
		for (const struct model_chain *chain = model->chains; chain;
		     chain = chain->next)
			more |= follow(chain);
	}
}

static bool is_limited(const struct model_set *set)
{
	const struct model_expr *statement = set->statements;

	while (statement && statement->kind != MODEL_LIMIT &&
	       statement->kind != MODEL_QUOTA)
		statement = statement->next;
	return statement;
}

static bool is_hashlimit(const struct model_expr *expr)
{
	return expr->kind == MODEL_MATCH && strcmp(expr->object, "hashlimit") == 0 &&
	       expr->value.bytes > 0;
}

/* The limit of a hashlimit: all of one name and family have the same (xt_hashlimit.c, htable_find_get()). */
struct owner {
	uint8_t family;
	size_t length;
	struct model_expr *expr; /* whose data begin with the name */
};

static int by_name(const void *a, const void *b)
{
	const struct owner *left = a, *right = b;

	if (left->family != right->family)
		return left->family < right->family ? -1 : 1;
	if (left->length != right->length)
		return left->length < right->length ? -1 : 1;
	return memcmp(left->expr->value.at, right->expr->value.at, left->length);
}

/* Puts all of them into owners, if there is room; returns how many there are. */
static size_t collect(struct model *model, struct owner *owners)
{
	size_t count = 0;

	for (struct model_chain *chain = model->chains; chain; chain = chain->next) {
		for (struct model_rule *rule = chain->rules; rule; rule = rule->next) {
			for (struct model_expr *expr = rule->exprs; expr;
			     expr = expr->next) {
				if (!is_hashlimit(expr))
					continue;
				if (owners)
					owners[count] = (struct owner){
						chain->table->family,
						strnlen((const char *)expr->value.at,
							expr->value.bytes),
						expr
					};
				count++;
			}
		}
	}
	return count;
}

static int find_hashlimits(struct model *model)
{
	size_t count = collect(model, NULL);
	struct owner *owners = arena_take(&model->arena, (count + 1) * sizeof(*owners));

	if (!owners)
		return -ENOMEM;
	collect(model, owners);
	qsort(owners, count, sizeof(*owners), by_name);
	for (size_t i = 1; i < count; i++)
		if (by_name(&owners[i - 1], &owners[i]) == 0)
			owners[i - 1].expr->shares = owners[i].expr->shares = true;
	return 0;
}

int limits_find(struct model *model)
{
	for (struct model_object *object = model->objects; object; object = object->next)
		object->limits = object->uses > 1 && (object->type == NFT_OBJECT_LIMIT ||
						      object->type == NFT_OBJECT_QUOTA);
	for (struct model_set *set = model->sets; set; set = set->next)
		set->limits = set->uses > 1 && is_limited(set);
	return find_hashlimits(model);
}
