// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/datum.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "rules/attrs.h"

/* NFT_DATA_VALUE_MAXLEN: no value is longer. */
enum { DATA_BYTES_MAX = 64 };

bool datum_number(const struct nlattr *attr, uint32_t *out)
{
	uint64_t value;

	if (!attrs_number(attr, &value) || value > UINT32_MAX)
		return false;
	*out = (uint32_t)value;
	return true;
}

bool datum_register(const struct nlattr *attr, uint8_t *out)
{
	uint32_t number;

	if (!datum_number(attr, &number))
		return false;
	if (number == NFT_REG_VERDICT)
		*out = MODEL_VERDICT_REGISTER;
	else if (number >= NFT_REG_1 && number <= NFT_REG_4)
		*out = (uint8_t)((number - NFT_REG_1) * NFT_REG_SIZE);
	else if (number >= NFT_REG32_00 && number <= NFT_REG32_15)
		*out = (uint8_t)((number - NFT_REG32_00) * NFT_REG32_SIZE);
	else
		return false;
	return true;
}

int datum_name(struct model *model, const struct nlattr *attr, const char **out)
{
	const char *text = attrs_string(attr);

	if (!text)
		return -EBADMSG;
	*out = arena_copy(&model->arena, text, strlen(text));
	return *out ? 0 : -ENOMEM;
}

int datum_bytes(struct model *model, const struct nlattr *attr, size_t max,
		struct model_data *out)
{
	size_t bytes = mnl_attr_get_payload_len(attr);

	if (bytes > max)
		return -EBADMSG;
	out->at = arena_copy(&model->arena, mnl_attr_get_payload(attr), bytes);
	out->bytes = bytes;
	return out->at ? 0 : -ENOMEM;
}

static enum model_verdict_code verdict_code(uint32_t code)
{
	/* nft's own are negative; netfilter's may have more in their upper half. */
	switch ((int)code) {
	case NF_DROP: return MODEL_DROP;
	case NF_ACCEPT: return MODEL_ACCEPT;
	case NF_STOLEN: return MODEL_STOLEN;
	case NFT_CONTINUE: return MODEL_CONTINUE;
	case NFT_BREAK: return MODEL_BREAK;
	case NFT_JUMP: return MODEL_JUMP;
	case NFT_GOTO: return MODEL_GOTO;
	case NFT_RETURN: return MODEL_RETURN;
	default: break;
	}
	return (code & NF_VERDICT_MASK) == NF_QUEUE ? MODEL_QUEUED : MODEL_STRANGE;
}

static int read_verdict(struct model *model, const struct nlattr *nest,
			struct model_verdict *out)
{
	struct attrs attrs;
	uint32_t code;

	if (!attrs_of_nest(nest, &attrs) ||
	    !datum_number(attrs.at[NFTA_VERDICT_CODE], &code))
		return -EBADMSG;
	*out = (struct model_verdict){ .code = verdict_code(code) };
	return attrs.at[NFTA_VERDICT_CHAIN]
		       ? datum_name(model, attrs.at[NFTA_VERDICT_CHAIN], &out->name)
		       : 0;
}

int datum_read(struct model *model, const struct nlattr *nest, struct model_data *value,
	       bool *is_verdict, struct model_verdict *verdict)
{
	struct attrs attrs;

	if (!attrs_of_nest(nest, &attrs))
		return -EBADMSG;
	if (attrs.at[NFTA_DATA_VALUE])
		return datum_bytes(model, attrs.at[NFTA_DATA_VALUE], DATA_BYTES_MAX,
				   value);
	if (!attrs.at[NFTA_DATA_VERDICT])
		return -EBADMSG;
	*is_verdict = true;
	return read_verdict(model, attrs.at[NFTA_DATA_VERDICT], verdict);
}
