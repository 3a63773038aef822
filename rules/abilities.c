// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/abilities.h"

#include <linux/netfilter/nf_tables.h>
#include <stdbool.h>

#include "rules/model.h"
#include "rules/xtables.h"

static unsigned effects_of_verdict(const struct model_verdict *verdict)
{
	switch (verdict->code) {
	case MODEL_CONTINUE:
	case MODEL_BREAK: return 0;
	case MODEL_ACCEPT:
	case MODEL_RETURN: return MODEL_DECIDES;
	case MODEL_DROP: return MODEL_DECIDES | MODEL_REFUSES;
	case MODEL_QUEUED:
	case MODEL_STOLEN: return MODEL_DECIDES | MODEL_CHANGES | MODEL_REFUSES;
	case MODEL_JUMP:
		return verdict->chain ? verdict->chain->effects
				      : xtables_unknown_effects();
	case MODEL_GOTO:
		return MODEL_DECIDES | (verdict->chain ? verdict->chain->effects
						       : xtables_unknown_effects());
	case MODEL_REPEAT:
	case MODEL_STRANGE: break;
	}
	return xtables_unknown_effects();
}

static unsigned effects_of_map(const struct model_set *set)
{
	unsigned effects = 0;

	if (!set || set->incomplete)
		return xtables_unknown_effects();
	for (size_t i = 0; i < set->count; i++)
		effects |= effects_of_verdict(&set->elems[i].verdict);
	if (set->rest)
		effects |= effects_of_verdict(&set->rest->verdict);
	/* Packets may add to it what is not there yet. */
	if (set->dynamic)
		effects |= MODEL_DECIDES | MODEL_REFUSES;
	return effects;
}

static unsigned effects_of_object(const struct model_object *object)
{
	switch (object->type) {
	case NFT_OBJECT_COUNTER: return 0;
	case NFT_OBJECT_QUOTA:
	case NFT_OBJECT_LIMIT: return object->limits ? MODEL_CHANGES : 0;
	case NFT_OBJECT_CONNLIMIT: return MODEL_ASKS_CT;
	case NFT_OBJECT_CT_HELPER:
	case NFT_OBJECT_CT_TIMEOUT:
	case NFT_OBJECT_CT_EXPECT: return MODEL_CHANGES | MODEL_ASKS_CT;
	case NFT_OBJECT_SECMARK:
	case NFT_OBJECT_TUNNEL: return MODEL_CHANGES;
	case NFT_OBJECT_SYNPROXY:
		return MODEL_CHANGES | MODEL_DECIDES | MODEL_REFUSES | MODEL_ASKS_CT;
	default: return xtables_unknown_effects();
	}
}

/* In a map of objects any of them. */
static unsigned effects_of_objref(const struct model_expr *expr)
{
	unsigned effects = 0;

	if (expr->named)
		return effects_of_object(expr->named);
	if (!expr->set || expr->set->incomplete)
		return xtables_unknown_effects();
	for (size_t i = 0; i < expr->set->count; i++) {
		const struct model_object *named = expr->set->elems[i].named;

		effects |= named ? effects_of_object(named) : xtables_unknown_effects();
	}
	if (expr->set->rest)
		effects |= expr->set->rest->named
				   ? effects_of_object(expr->set->rest->named)
				   : xtables_unknown_effects();
	return effects;
}

static unsigned effects_of_lookup(const struct model_expr *expr)
{
	unsigned effects =
		expr->to == MODEL_VERDICT_REGISTER ? effects_of_map(expr->set) : 0;

	if (expr->set && expr->set->limits)
		effects |= MODEL_CHANGES;
	return effects;
}

static unsigned effects_of_one(const struct model_expr *expr)
{
	unsigned write = expr->source != MODEL_NO_REGISTER ? MODEL_CHANGES : 0;

	switch (expr->kind) {
	case MODEL_OPAQUE: return xtables_unknown_effects();
	case MODEL_IMMEDIATE:
		return expr->is_verdict ? effects_of_verdict(&expr->verdict) : 0;
	case MODEL_LOOKUP: return effects_of_lookup(expr);
	case MODEL_CT: return MODEL_ASKS_CT | write;
	case MODEL_CONNLIMIT: return MODEL_ASKS_CT;
	case MODEL_META:
	case MODEL_PAYLOAD: return write;
	case MODEL_EXTHDR: return expr->to == MODEL_NO_REGISTER ? MODEL_CHANGES : 0;
	case MODEL_NAT:
	case MODEL_MASQ:
	case MODEL_REDIR: return MODEL_TRANSLATES;
	case MODEL_REJECT: return MODEL_DECIDES | MODEL_REFUSES;
	case MODEL_FWD:
	case MODEL_QUEUE:
	case MODEL_TPROXY: return MODEL_CHANGES | MODEL_DECIDES;
	case MODEL_SYNPROXY:
		return MODEL_CHANGES | MODEL_DECIDES | MODEL_REFUSES | MODEL_ASKS_CT;
	case MODEL_DUP:
	case MODEL_DYNSET: return MODEL_CHANGES;
	case MODEL_NOTRACK:
	case MODEL_FLOW_OFFLOAD: return MODEL_CHANGES | MODEL_ASKS_CT;
	case MODEL_OBJREF: return effects_of_objref(expr);
	case MODEL_MATCH: return xtables_match_effects(expr->object);
	case MODEL_TARGET: return xtables_target_effects(expr->object);
	default: return 0;
	}
}

static unsigned effects_of_expr(const struct model_expr *expr)
{
	unsigned effects = effects_of_one(expr) | (expr->shares ? MODEL_CHANGES : 0U);

	for (const struct model_expr *nested = model_nested(expr); nested;
	     nested = nested->next)
		effects |= effects_of_one(nested);
	return effects;
}

/* Returns whether more became known. */
static bool find_effects(struct model_chain *chain)
{
	unsigned before = chain->effects;

	for (struct model_rule *rule = chain->rules; rule; rule = rule->next) {
		for (const struct model_expr *expr = rule->exprs; expr; expr = expr->next)
			/* Never less than before, so abilities_find() comes to an end. */
			rule->effects |= effects_of_expr(expr);
		chain->effects |= rule->effects;
	}
	return chain->effects != before;
}

void abilities_find(struct model *model)
{
	bool more = true;

	/* What a chain does its callers do: until nothing is new. */
	while (more) {
		more = false;
		for (struct model_chain *chain = model->chains; chain;
		     chain = chain->next)
			more |= find_effects(chain);
	}
}
