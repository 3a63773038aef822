// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/relevance.h"

#include <linux/netfilter/nf_tables.h>

#include "rules/run.h"

/* Which register an expression that has no effect writes to; false: it may have one. */
static bool writes_only(const struct model_expr *expr, uint8_t *to)
{
	*to = MODEL_NO_REGISTER;
	switch (expr->kind) {
	case MODEL_CMP:
	case MODEL_RANGE: return true;
	/* Finding an element may use up a limit of several rules. */
	case MODEL_LOOKUP:
		return expr->to == MODEL_NO_REGISTER && expr->set && !expr->set->limits;
	case MODEL_BITWISE:
	case MODEL_META:
	case MODEL_PAYLOAD:
		*to = expr->to;
		return expr->kind == MODEL_BITWISE || expr->source == MODEL_NO_REGISTER;
	default: return false;
	}
}

/* Protocol and ports, which are known. Returns how many bytes; 0: it loads something else. */
static size_t load_service(struct run *run, const struct model_expr *expr,
			   struct byte bytes[2])
{
	const uint8_t proto = packet_proto(run->packet);

	if (expr->kind == MODEL_META && expr->number[0] == NFT_META_L4PROTO) {
		bytes_put_known(bytes, 1, &proto);
		return 1;
	}
	if (expr->kind != MODEL_PAYLOAD ||
	    expr->number[0] != NFT_PAYLOAD_TRANSPORT_HEADER || expr->number[1] > 2 ||
	    expr->number[2] != 2)
		return 0;
	run_load(run, expr->number[0], expr->number[1], 2, bytes);
	return 2;
}

/* Whether the rest of a rule asks for another protocol or port before it could have an effect. */
static bool is_for_another(struct run *run, const struct model_expr *rest)
{
	uint8_t loaded = MODEL_NO_REGISTER, to;
	struct byte bytes[2];
	size_t count = 0;

	for (; rest && writes_only(rest, &to); rest = rest->next) {
		if (rest->kind == MODEL_CMP && count && rest->source == loaded &&
		    rest->number[0] == NFT_CMP_EQ && rest->value.bytes == count &&
		    !bytes_equal(run->world, bytes, count, rest->value.at))
			return true;
		if (to == MODEL_NO_REGISTER)
			continue;
		count = load_service(run, rest, bytes);
		loaded = to;
	}
	return false;
}

/* Whether it does not match, without a question: behind another protocol the port is none. */
static bool is_false(const struct run *run, const struct model_expr *expr)
{
	return expr->kind == MODEL_CMP && expr->number[0] == NFT_CMP_EQ &&
	       expr->value.bytes <= MODEL_REGISTER_BYTES - (size_t)expr->source &&
	       !bytes_may_be(run->world, run->registers + expr->source, expr->value.bytes,
			     expr->value.at, expr->value.at);
}

bool relevance_is_none(struct run *run, const struct model_expr *expr)
{
	uint8_t to;

	return writes_only(expr, &to) && to == MODEL_NO_REGISTER &&
	       (is_false(run, expr) || is_for_another(run, expr->next));
}
