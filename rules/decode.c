// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/decode.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <string.h>

#include "rules/attrs.h"
#include "rules/datum.h"
#include "rules/model.h"

/* Where an attribute goes. */
enum slot {
	NONE, /* not known: the expression cannot be judged */
	SKIP, /* known not to matter to the audit */
	SOURCE,
	SOURCE2,
	TO,
	N0, /* a number */
	N1,
	N2,
	N3,
	N4,
	N5,
	VALUE, /* NFTA_DATA_ */
	VALUE2,
	RAW, /* bytes as they are */
	OBJECT,
	NESTED,  /* an expression */
	NESTEDS, /* a list of them */
};

enum { SLOTS = 16 };

struct spec {
	const char *name;
	uint8_t slots[SLOTS]; /* by attribute */
};

/* By enum model_kind. The attributes are those of linux/netfilter/nf_tables.h. */
static const struct spec SPECS[] = {
	/* N0 length, N1 operation; VALUE mask or shift, VALUE2 xor */
	[MODEL_BITWISE] = { "bitwise", { 0, SOURCE, TO, N0, VALUE, VALUE2, N1, VALUE } },
	/* N0 operation, N1 length, N2 size */
	[MODEL_BYTEORDER] = { "byteorder", { 0, SOURCE, TO, N0, N1, N2 } },
	/* N0 operation */
	[MODEL_CMP] = { "cmp", { 0, SOURCE, N0, VALUE } },
	/* N0 count, N1 flags */
	[MODEL_CONNLIMIT] = { "connlimit", { 0, N0, N1 } },
	[MODEL_COUNTER] = { "counter", { 0, SKIP, SKIP, SKIP } },
	/* N0 key, N1 direction */
	[MODEL_CT] = { "ct", { 0, TO, N0, N1, SOURCE } },
	[MODEL_DUP] = { "dup", { 0, SOURCE, SOURCE2 } },
	/* N0 operation, N1 flags; VALUE timeout */
	[MODEL_DYNSET] = { "dynset",
			   { 0, OBJECT, SKIP, N0, SOURCE, SOURCE2, RAW, NESTED, SKIP, N1,
			     NESTEDS } },
	/* N0 type, N1 offset, N2 length, N3 flags, N4 operation */
	[MODEL_EXTHDR] = { "exthdr", { 0, TO, N0, N1, N2, N3, N4, SOURCE } },
	/* N0 result, N1 flags */
	[MODEL_FIB] = { "fib", { 0, TO, N0, N1 } },
	[MODEL_FLOW_OFFLOAD] = { "flow_offload", { 0, OBJECT } },
	[MODEL_FWD] = { "fwd", { 0, SOURCE, SOURCE2, N0 } },
	/* N0 length, N1 modulus, N2 seed, N3 offset, N4 type */
	[MODEL_HASH] = { "hash", { 0, SOURCE, TO, N0, N1, N2, N3, N4, SKIP, SKIP } },
	[MODEL_IMMEDIATE] = { "immediate", { 0, TO, VALUE } },
	[MODEL_LAST] = { "last", { 0, SKIP, SKIP, SKIP } },
	/* N0 flags */
	[MODEL_LIMIT] = { "limit", { 0, SKIP, SKIP, SKIP, SKIP, N0, SKIP } },
	[MODEL_LOG] = { "log", { 0, SKIP, SKIP, SKIP, SKIP, SKIP, SKIP } },
	/* N0 flags */
	[MODEL_LOOKUP] = { "lookup", { 0, OBJECT, SOURCE, TO, SKIP, N0 } },
	[MODEL_MASQ] = { "masq", { 0, N0, SOURCE2, SKIP } },
	/* N0 revision */
	[MODEL_MATCH] = { "match", { 0, OBJECT, N0, RAW } },
	/* N0 key */
	[MODEL_META] = { "meta", { 0, TO, N0, SOURCE } },
	/* N0 type, N1 family, N2 flags; SOURCE address, SOURCE2 port */
	[MODEL_NAT] = { "nat", { 0, N0, N1, SOURCE, SKIP, SOURCE2, SKIP, N2 } },
	[MODEL_NOTRACK] = { "notrack", { 0 } },
	/* N0 modulus, N1 type, N2 offset */
	[MODEL_NUMGEN] = { "numgen", { 0, TO, N0, N1, N2 } },
	/* N0 type; SOURCE key */
	[MODEL_OBJREF] = { "objref", { 0, N0, OBJECT, SOURCE, OBJECT, SKIP } },
	[MODEL_OSF] = { "osf", { 0, TO, N0, N1 } },
	/* N0 base, N1 offset, N2 length */
	[MODEL_PAYLOAD] = { "payload", { 0, TO, N0, N1, N2, SOURCE, SKIP, SKIP, SKIP } },
	/* N0 number, N1 how many, N2 flags */
	[MODEL_QUEUE] = { "queue", { 0, N0, N1, N2, SOURCE } },
	/* N0 flags */
	[MODEL_QUOTA] = { "quota", { 0, SKIP, N0, SKIP, SKIP } },
	/* N0 operation; VALUE from, VALUE2 to */
	[MODEL_RANGE] = { "range", { 0, SOURCE, N0, VALUE, VALUE2 } },
	[MODEL_REDIR] = { "redir", { 0, SOURCE2, SKIP, N0 } },
	/* N0 type, N1 code */
	[MODEL_REJECT] = { "reject", { 0, N0, N1 } },
	/* N0 key */
	[MODEL_RT] = { "rt", { 0, TO, N0 } },
	/* N0 key, N1 level */
	[MODEL_SOCKET] = { "socket", { 0, N0, TO, N1 } },
	[MODEL_SYNPROXY] = { "synproxy", { 0, SKIP, SKIP, SKIP } },
	/* N0 revision */
	[MODEL_TARGET] = { "target", { 0, OBJECT, N0, RAW } },
	[MODEL_TPROXY] = { "tproxy", { 0, N0, SOURCE, SOURCE2 } },
	/* N0 key, N1 mode */
	[MODEL_TUNNEL] = { "tunnel", { 0, N0, TO, N1 } },
	/* N0 key, N1 direction, N2 number */
	[MODEL_XFRM] = { "xfrm", { 0, TO, N0, N1, N2 } },
};

enum { SPEC_COUNT = sizeof(SPECS) / sizeof(SPECS[0]) };

/* What any extension of xtables keeps is shorter by far. */
enum { RAW_BYTES_MAX = 8192, NESTED_MAX = 16 };

/* A verdict where a value is expected leaves no value: is_whole() sees it. */
static int read_value(struct model *model, const struct nlattr *nest,
		      struct model_expr *expr, struct model_data *out)
{
	return datum_read(model, nest, out, &expr->is_verdict, &expr->verdict);
}

static int read_slot(struct model *model, enum slot slot, const struct nlattr *attr,
		     struct model_expr *expr)
{
	switch (slot) {
	case NONE: return -EBADMSG;
	case SKIP: return 0;
	case SOURCE: return datum_register(attr, &expr->source) ? 0 : -EBADMSG;
	case SOURCE2: return datum_register(attr, &expr->source2) ? 0 : -EBADMSG;
	case TO: return datum_register(attr, &expr->to) ? 0 : -EBADMSG;
	case N0:
	case N1:
	case N2:
	case N3:
	case N4:
	case N5:
		expr->given |= (uint8_t)(1U << (slot - N0));
		return datum_number(attr, &expr->number[slot - N0]) ? 0 : -EBADMSG;
	case VALUE: return read_value(model, attr, expr, &expr->value);
	case VALUE2: return read_value(model, attr, expr, &expr->value2);
	case RAW: return datum_bytes(model, attr, RAW_BYTES_MAX, &expr->value);
	case OBJECT: return datum_name(model, attr, &expr->object);
	case NESTED:
	case NESTEDS: break; /* by their own */
	}
	return 0;
}

static const struct spec *find_spec(const char *name, enum model_kind *kind)
{
	for (int i = MODEL_OPAQUE + 1; i < SPEC_COUNT; i++) {
		if (strcmp(SPECS[i].name, name) == 0) {
			*kind = (enum model_kind)i;
			return &SPECS[i];
		}
	}
	return NULL;
}

/* What there was to ask when this was written; kernels that ask more are newer than their headers here. */
enum {
	META_LAST = 37, /* NFT_META_BRI_IIFHWADDR */
	CT_LAST = NFT_CT_ID,
	FIB_LAST = NFT_FIB_RESULT_ADDRTYPE,
	EXTHDR_LAST = 4, /* NFT_EXTHDR_OP_DCCP */
};

/* What the expression must have to mean something. */
static bool is_whole(const struct model_expr *expr)
{
	switch (expr->kind) {
	case MODEL_CMP: return expr->source < MODEL_REGISTER_BYTES && expr->value.at;
	case MODEL_RANGE:
		return expr->source < MODEL_REGISTER_BYTES && expr->value.at &&
		       expr->value2.at && expr->value.bytes == expr->value2.bytes;
	case MODEL_IMMEDIATE:
		return expr->is_verdict
			       ? expr->to == MODEL_VERDICT_REGISTER
			       : expr->value.at && expr->to < MODEL_REGISTER_BYTES;
	case MODEL_LOOKUP:
	case MODEL_DYNSET: return expr->object && expr->source < MODEL_REGISTER_BYTES;
	case MODEL_BITWISE:
	case MODEL_BYTEORDER:
		return expr->source < MODEL_REGISTER_BYTES &&
		       expr->to < MODEL_REGISTER_BYTES;
	case MODEL_OBJREF:
	case MODEL_MATCH:
	case MODEL_TARGET: return expr->object;
	case MODEL_META:
	case MODEL_CT:
		return expr->given & 1 &&
		       expr->number[0] <=
			       (expr->kind == MODEL_CT ? CT_LAST : META_LAST) &&
		       (expr->to < MODEL_REGISTER_BYTES) !=
			       (expr->source < MODEL_REGISTER_BYTES);
	case MODEL_FIB: return expr->number[0] <= FIB_LAST;
	case MODEL_EXTHDR: return expr->number[4] <= EXTHDR_LAST;
	default: return true;
	}
}

static bool well_formed(const struct nlattr *nest)
{
	const void *at = mnl_attr_get_payload(nest);
	const struct nlattr *attr;
	size_t bytes = mnl_attr_get_payload_len(nest), used = 0;

	mnl_attr_for_each_nested(attr, nest)
		used += MNL_ALIGN(attr->nla_len);
	return used >= bytes && at;
}

/* Fills expr, whose kind and name are known. Returns -EBADMSG if something is not understood. */
static int read_attributes(struct model *model, const struct spec *spec,
			   const struct nlattr *nest, struct model_expr *expr)
{
	const struct nlattr *attr;

	if (!well_formed(nest))
		return -EBADMSG;
	mnl_attr_for_each_nested(attr, nest) {
		uint16_t type = mnl_attr_get_type(attr);
		int err = type < SLOTS ? read_slot(model, (enum slot)spec->slots[type],
						   attr, expr)
				       : -EBADMSG;

		if (err)
			return err;
	}
	return is_whole(expr) ? 0 : -EBADMSG;
}

/*
 * One NFTA_LIST_ELEM: its name, and where its attributes are (NULL: it has none). What a dynset
 * nests is read by the caller.
 */
static int read_expr(struct model *model, const struct nlattr *nest,
		     struct model_expr *expr, const struct nlattr **data)
{
	const struct model_expr empty = *expr;
	const struct spec *spec = NULL;
	const struct nlattr *attr;
	int err = 0;

	*data = NULL;
	mnl_attr_for_each_nested(attr, nest) {
		if (mnl_attr_get_type(attr) == NFTA_EXPR_NAME)
			err = datum_name(model, attr, &expr->name);
		else if (mnl_attr_get_type(attr) == NFTA_EXPR_DATA)
			*data = attr;
		if (err)
			return err;
	}
	if (!expr->name)
		return -EBADMSG;
	spec = find_spec(expr->name, &expr->kind);
	if (!spec)
		return 0;
	err = *data ? read_attributes(model, spec, *data, expr)
		    : (is_whole(expr) ? 0 : -EBADMSG);
	if (err == -EBADMSG) {
		const char *name = expr->name;

		*expr = empty;
		expr->name = name;
		return 0;
	}
	return err;
}

static const struct model_expr EMPTY = { .source = MODEL_NO_REGISTER,
					 .source2 = MODEL_NO_REGISTER,
					 .to = MODEL_NO_REGISTER };

static int add_nested(struct model *model, const struct nlattr *nest,
		      struct model_expr *expr)
{
	struct model_expr *nested = arena_copy(&model->arena, &EMPTY, sizeof(EMPTY));
	struct model_expr **end = &expr->nested;
	const struct nlattr *data;

	if (!nested)
		return -ENOMEM;
	while (*end)
		end = &(*end)->next;
	*end = nested;
	return read_expr(model, nest, nested, &data);
}

static int read_nested(struct model *model, const struct nlattr *data,
		       struct model_expr *expr)
{
	const struct nlattr *attr, *nest;
	int err = 0, count = 0;

	mnl_attr_for_each_nested(attr, data) {
		enum slot slot =
			SPECS[MODEL_DYNSET].slots[mnl_attr_get_type(attr) % SLOTS];

		if (slot == NESTED)
			err = add_nested(model, attr, expr);
		if (err)
			return err;
		if (slot != NESTEDS)
			continue;
		mnl_attr_for_each_nested(nest, attr) {
			err = ++count > NESTED_MAX ? -EBADMSG
						   : add_nested(model, nest, expr);
			if (err)
				return err;
		}
	}
	return 0;
}

int decode_rule(struct model *model, struct model_rule *rule,
		const struct nlattr *expressions)
{
	const struct nlattr *nest, *data;
	int err = well_formed(expressions) ? 0 : -EBADMSG;

	if (err)
		return err;
	mnl_attr_for_each_nested(nest, expressions) {
		struct model_expr *expr = model_add_expr(model, rule);

		if (!expr)
			return -ENOMEM;
		err = read_expr(model, nest, expr, &data);
		if (!err && expr->kind == MODEL_DYNSET)
			err = read_nested(model, data, expr);
		if (err)
			return err;
	}
	return 0;
}

/* Counts packets, or says when the last came: of no matter, and so frequent that it is not even kept. */
static bool only_counts(const struct nlattr *nest)
{
	struct attrs attrs;
	const char *name = attrs_of_nest(nest, &attrs)
				   ? attrs_string(attrs.at[NFTA_EXPR_NAME])
				   : NULL;

	return name && (strcmp(name, SPECS[MODEL_COUNTER].name) == 0 ||
			strcmp(name, SPECS[MODEL_LAST].name) == 0);
}

/* Whether they do the same, as far as it is judged: how many a limit lets pass is not. */
static bool does_same(const struct model_expr *a, const struct model_expr *b)
{
	return a->kind == b->kind && strcmp(a->name, b->name) == 0 &&
	       (a->kind != MODEL_CONNLIMIT ||
		(a->number[1] & NFT_CONNLIMIT_F_INV) ==
			(b->number[1] & NFT_CONNLIMIT_F_INV));
}

int decode_statement(struct model *model, const struct nlattr *nest,
		     struct model_expr **list)
{
	struct model_expr statement = EMPTY;
	const struct nlattr *data;
	int err, count = 0;

	if (only_counts(nest))
		return 0;
	err = read_expr(model, nest, &statement, &data);
	if (err)
		return err;
	for (; *list; list = &(*list)->next)
		if (does_same(*list, &statement) || ++count == NESTED_MAX)
			return count == NESTED_MAX ? -EBADMSG : 0;
	*list = arena_copy(&model->arena, &statement, sizeof(statement));
	return *list ? 0 : -ENOMEM;
}
