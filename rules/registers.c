// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/registers.h"

#include "rules/model.h"

/* The longest that the kernel loads at once but for the payload: an IPv6 address, a name. */
enum { WORD_BYTES = 4, LOAD_BYTES = 16 };

/* Which registers of four bytes were written, a bit each. */
static uint32_t words(uint8_t at, size_t bytes)
{
	uint32_t set = 0;

	for (size_t i = at; i < MODEL_REGISTER_BYTES && i < at + bytes; i += WORD_BYTES)
		set |= 1U << i / WORD_BYTES;
	return set;
}

static uint32_t written(const struct model_expr *expr)
{
	switch (expr->kind) {
	case MODEL_PAYLOAD: return words(expr->to, expr->number[2]);
	case MODEL_BITWISE: return words(expr->to, expr->number[0]);
	case MODEL_BYTEORDER: return words(expr->to, expr->number[1]);
	case MODEL_IMMEDIATE: return words(expr->to, expr->value.bytes);
	/* What a map has for a key is as long as the map says. */
	case MODEL_LOOKUP: return words(expr->to, MODEL_REGISTER_BYTES);
	/* Who knows. */
	case MODEL_OPAQUE: return UINT32_MAX;
	default: return words(expr->to, LOAD_BYTES);
	}
}

static bool is_there(uint32_t set, uint8_t at)
{
	return at >= MODEL_REGISTER_BYTES || set & 1U << at / WORD_BYTES;
}

void registers_check(struct model_rule *rule)
{
	uint32_t set = 0;

	for (struct model_expr *expr = rule->exprs; expr; expr = expr->next) {
		if (!is_there(set, expr->source) || !is_there(set, expr->source2))
			expr->kind = MODEL_OPAQUE;
		set |= written(expr);
	}
}
