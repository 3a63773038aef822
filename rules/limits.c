// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/limits.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "rules/model.h"

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
