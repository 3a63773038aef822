// SPDX-License-Identifier: GPL-2.0-or-later
/* Before the headers of the kernel, which define the same otherwise. */
#include <netinet/in.h>

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>

#include "rules/abilities.h"
#include "rules/layout.h"
#include "rules/limits.h"
#include "rules/model.h"
#include "rules/registers.h"
#include "rules/xtables.h"

/* Completes a model: intervals, names, and what rules can do. */

struct model_name {
	const struct model_table *table;
	const char *name;
	void *thing;
};

static int by_name(const void *a, const void *b)
{
	const struct model_name *left = a, *right = b;

	if (left->table != right->table)
		return (uintptr_t)left->table < (uintptr_t)right->table ? -1 : 1;
	return strcmp(left->name, right->name);
}

static void *look_up(const struct model_name *names, size_t count,
		     const struct model_table *table, const char *name)
{
	const struct model_name key = { .table = table, .name = name };
	const struct model_name *found =
		name ? bsearch(&key, names, count, sizeof(key), by_name) : NULL;

	return found ? found->thing : NULL;
}

static int index_names(struct model *model)
{
	size_t i = 0;

	model->chain_names = arena_take(&model->arena,
					model->chain_count * sizeof(*model->chain_names));
	model->set_names =
		arena_take(&model->arena, model->set_count * sizeof(*model->set_names));
	if (!model->chain_names || !model->set_names)
		return -ENOMEM;
	for (struct model_chain *chain = model->chains; chain; chain = chain->next)
		model->chain_names[i++] =
			(struct model_name){ chain->table, chain->name, chain };
	i = 0;
	for (struct model_set *set = model->sets; set; set = set->next)
		model->set_names[i++] = (struct model_name){ set->table, set->name, set };
	qsort(model->chain_names, model->chain_count, sizeof(struct model_name), by_name);
	qsort(model->set_names, model->set_count, sizeof(struct model_name), by_name);
	return 0;
}

/* The object, for so many more that use it. */
static const struct model_object *find_object(const struct model *model,
					      const struct model_table *table,
					      const char *name, uint32_t type,
					      unsigned uses)
{
	struct model_object *object = model->objects;

	/* Objects of several types may share a name. */
	while (object && (object->table != table || strcmp(object->name, name) != 0 ||
			  (type && object->type != type)))
		object = object->next;
	if (object)
		object->uses += uses;
	return object;
}

/* The set, for one more that asks it. One that nobody said would be dynamic is, all the same, if packets add to it. */
static const struct model_set *find_set(const struct model *model,
					const struct model_table *table,
					const struct model_expr *expr)
{
	struct model_set *set =
		look_up(model->set_names, model->set_count, table, expr->object);

	if (!set)
		return NULL;
	set->uses++;
	set->dynamic |= expr->kind == MODEL_DYNSET;
	set->expires |=
		(set->dynamic && set->flags & NFT_SET_TIMEOUT) ||
		(expr->kind == MODEL_DYNSET && expr->number[0] == NFT_DYNSET_OP_DELETE);
	return set;
}

static void resolve_verdict(const struct model *model, const struct model_table *table,
			    struct model_verdict *verdict)
{
	verdict->chain =
		look_up(model->chain_names, model->chain_count, table, verdict->name);
}

static void resolve_expr(const struct model *model, const struct model_table *table,
			 struct model_expr *expr)
{
	if (expr->is_verdict)
		resolve_verdict(model, table, &expr->verdict);
	if (expr->kind == MODEL_LOOKUP || expr->kind == MODEL_DYNSET ||
	    (expr->kind == MODEL_OBJREF && expr->source != MODEL_NO_REGISTER))
		expr->set = find_set(model, table, expr);
	else if (expr->kind == MODEL_OBJREF && expr->object)
		expr->named = find_object(model, table, expr->object, expr->number[0], 1);
	for (struct model_expr *nested = expr->nested; nested; nested = nested->next)
		resolve_expr(model, table, nested);
}

static void resolve(struct model *model)
{
	for (struct model_chain *chain = model->chains; chain; chain = chain->next)
		for (struct model_rule *rule = chain->rules; rule; rule = rule->next) {
			registers_check(rule);
			for (struct model_expr *expr = rule->exprs; expr;
			     expr = expr->next)
				resolve_expr(model, chain->table, expr);
		}
	for (struct model_set *set = model->sets; set; set = set->next) {
		for (size_t i = 0; i <= set->count; i++) {
			struct model_elem *elem =
				i < set->count ? &set->elems[i] : set->rest;

			if (elem && elem->is_verdict)
				resolve_verdict(model, set->table, &elem->verdict);
		}
	}
}

/* What a map of objects leads to is used by each that asks the map. */
static void find_objects(const struct model *model)
{
	for (struct model_set *set = model->sets; set; set = set->next)
		for (size_t i = 0; i <= set->count; i++) {
			struct model_elem *elem =
				i < set->count ? &set->elems[i] : set->rest;

			if (elem && elem->object)
				elem->named = find_object(model, set->table, elem->object,
							  set->object_type, set->uses);
		}
}

static int compare_keys(const struct model_data *a, const struct model_data *b)
{
	size_t bytes = a->bytes < b->bytes ? a->bytes : b->bytes;
	int order = bytes ? memcmp(a->at, b->at, bytes) : 0;

	return order ? order : (a->bytes > b->bytes) - (a->bytes < b->bytes);
}

/* Where one interval ends and the next begins, the end comes first. */
static int by_key(const void *a, const void *b)
{
	const struct model_raw *left = *(const struct model_raw *const *)a;
	const struct model_raw *right = *(const struct model_raw *const *)b;
	int order = compare_keys(&left->elem.key, &right->elem.key);

	return order ? order : right->end - left->end;
}

static struct model_raw **sort_raw(struct model *model, const struct model_set *set,
				   size_t *count)
{
	struct model_raw **sorted, *raw;
	size_t n = 0;

	for (raw = set->raw; raw; raw = raw->next)
		n++;
	sorted = arena_take(&model->arena, (n + 1) * sizeof(struct model_raw *));
	if (!sorted)
		return NULL;
	n = 0;
	for (raw = set->raw; raw; raw = raw->next)
		if (!raw->rest)
			sorted[n++] = raw;
	qsort(sorted, n, sizeof(struct model_raw *), by_key);
	*count = n;
	return sorted;
}

/*
 * An interval is an element where it begins and one, with a flag, where it has ended
 * (nft_set_rbtree.c); without an end it goes on to the next element.
 */
static int close_interval(struct model *model, struct model_set *set,
			  struct model_elem *elem, const struct model_raw *next)
{
	uint8_t end[RANGES_BYTES_MAX];
	size_t bytes = elem->key.bytes;

	if (elem->key_end.at)
		return 0;
	if (bytes > sizeof(end) || (next && next->elem.key.bytes != bytes)) {
		set->incomplete = true;
		return 0;
	}
	wide_write(next ? wide_previous(wide_read(next->elem.key.at, bytes))
			: wide_greatest(bytes),
		   end, bytes);
	elem->key_end.bytes = bytes;
	elem->key_end.at = arena_copy(&model->arena, end, bytes);
	return elem->key_end.at ? 0 : -ENOMEM;
}

static int index_keys(struct model *model, struct model_set *set)
{
	struct range *at = arena_take(&model->arena, (set->count + 1) * sizeof(*at));
	size_t count = 0;

	if (!at)
		return -ENOMEM;
	for (size_t i = 0; i < set->count; i++) {
		const struct model_data *key = &set->elems[i].key;
		const struct model_data *end =
			set->elems[i].key_end.at ? &set->elems[i].key_end : key;

		/* Too wide for one number: look-ups go through the elements. */
		if (key->bytes > RANGES_BYTES_MAX || end->bytes != key->bytes)
			return 0;
		at[count++] = (struct range){ wide_read(key->at, key->bytes),
					      wide_read(end->at, end->bytes) };
	}
	set->keys = ranges_normalise(at, count);
	return 0;
}

static int complete_set(struct model *model, struct model_set *set)
{
	bool interval = set->flags & NFT_SET_INTERVAL;
	struct model_raw **sorted;
	size_t count = 0;
	int err = 0;

	sorted = sort_raw(model, set, &count);
	if (!sorted)
		return -ENOMEM;
	for (struct model_raw *raw = set->raw; raw; raw = raw->next)
		if (raw->rest)
			set->rest = &raw->elem;
	set->elems = arena_take(&model->arena, (count + 1) * sizeof(*set->elems));
	if (!set->elems)
		return -ENOMEM;
	for (size_t i = 0; i < count && !err; i++) {
		struct model_elem *elem;

		if (sorted[i]->elem.key.bytes != set->key_bytes)
			set->incomplete = true;
		if (sorted[i]->end || sorted[i]->elem.key.bytes != set->key_bytes)
			continue;
		elem = &set->elems[set->count++];
		*elem = sorted[i]->elem;
		if (interval)
			err = close_interval(model, set, elem,
					     i + 1 < count ? sorted[i + 1] : NULL);
	}
	set->raw = NULL;
	/* Made for packets to add to. */
	set->dynamic = set->flags & NFT_SET_EVAL;
	set->expires |= set->dynamic && set->flags & NFT_SET_TIMEOUT;
	return err ? err : index_keys(model, set);
}

/* As far as it is known of the chains that it may go to. */
static void note_expr(struct model *model, const struct model_expr *expr)
{
	bool ct_set = expr->kind == MODEL_CT && expr->source != MODEL_NO_REGISTER;
	bool ct_target = expr->kind == MODEL_TARGET && strcmp(expr->object, "CT") == 0;

	model->fills |= expr->kind == MODEL_TARGET && strcmp(expr->object, "SET") == 0;
	if (ct_set && expr->number[0] == NFT_CT_ZONE)
		model->zones = true;
	/* What it can do at all; which of it is seen when packets come to it. */
	if (ct_target) {
		model->zones = model->untracks = true;
		model->expects |= xtables_gives_helper(&expr->value);
	}
	if (expr->kind == MODEL_OPAQUE || (ct_set && expr->number[0] == NFT_CT_MARK) ||
	    (expr->kind == MODEL_TARGET && strcmp(expr->object, "CONNMARK") == 0))
		model->marks_ct = true;
	if (expr->kind == MODEL_NOTRACK ||
	    (expr->kind == MODEL_TARGET && strcmp(expr->object, "NOTRACK") == 0))
		model->untracks = true;
}

/* Helpers, and expected connections, of rules: nobody has such an object for nothing. */
static void note_objects(struct model *model)
{
	for (const struct model_object *object = model->objects; object;
	     object = object->next)
		model->expects |= object->type == NFT_OBJECT_CT_HELPER ||
				  object->type == NFT_OBJECT_CT_EXPECT;
}

/*
 * Whether it is one that we make: the base chains by their names and places, others are met only from these. Those that
 * somebody else has hung into our table are judged like any.
 */
static bool is_ours(const struct model_chain *chain)
{
	if (!chain->table->ours || !chain->base)
		return chain->table->ours;
	for (int i = 0; i < LAYOUT_HOOKS; i++)
		if (strcmp(chain->name, layout_hook_name((enum layout_hook)i)) == 0)
			return chain->type == MODEL_TYPE_FILTER && !chain->drops &&
			       chain->hook == layout_hook_number((enum layout_hook)i) &&
			       chain->priority == LAYOUT_PRIORITY;
	return false;
}

/* Whether our own rules have nothing like that. */
static bool is_foreign(const struct model_expr *expr)
{
	switch (expr->kind) {
	case MODEL_META:
	case MODEL_PAYLOAD: return expr->source != MODEL_NO_REGISTER;
	case MODEL_IMMEDIATE: return expr->is_verdict;
	case MODEL_BITWISE:
	case MODEL_BYTEORDER:
	case MODEL_CMP:
	case MODEL_COUNTER:
	case MODEL_FIB:
	case MODEL_HASH:
	case MODEL_LIMIT:
	case MODEL_LOOKUP:
	case MODEL_NOTRACK:
	case MODEL_RANGE: return false;
	default: return true;
	}
}

static void note_rules(struct model *model)
{
	for (struct model_chain *chain = model->chains; chain; chain = chain->next) {
		chain->ours = is_ours(chain);
		for (struct model_rule *rule = chain->rules; rule; rule = rule->next) {
			for (const struct model_expr *expr = rule->exprs; expr;
			     expr = expr->next) {
				rule->compat |= expr->kind == MODEL_MATCH ||
						expr->kind == MODEL_TARGET;
				if (!chain->ours)
					note_expr(model, expr);
				else if (is_foreign(expr))
					model->foreign = rule;
			}
		}
	}
}

/* What is asked where packets may come several times is used as if by several. */
static void count_again(const struct model *model)
{
	for (const struct model_chain *chain = model->chains; chain; chain = chain->next)
		for (struct model_rule *rule = chain->shared ? chain->rules : NULL; rule;
		     rule = rule->next)
			for (struct model_expr *expr = rule->exprs; expr;
			     expr = expr->next)
				resolve_expr(model, chain->table, expr);
}

int model_complete(struct model *model)
{
	int err = index_names(model);

	for (struct model_set *set = model->sets; set && !err; set = set->next)
		err = complete_set(model, set);
	if (err)
		return err;
	/* In this order: each asks for what those before it have found out. */
	resolve(model);
	limits_find_shared(model);
	count_again(model);
	find_objects(model);
	note_rules(model);
	note_objects(model);
	err = limits_find(model);
	abilities_find(model);
	return err;
}
